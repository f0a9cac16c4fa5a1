import { DatabaseError, type DatabaseErrorKind } from '../../../fleet/db/index.js';
import type { HeardHealth, Incoming, Store, Taken } from '../../../fleet/store/index.js';

/** Keeps identities in memory, and fails as it is told to. */
export class FakeStore implements Pick<Store, 'take' | 'heard' | 'refused' | 'node'> {
  readonly held = new Map<string, Incoming>();
  readonly batches: number[] = [];
  readonly healths = new Map<string, HeardHealth>();
  readonly statuses = new Map<string, Readonly<Record<string, unknown>> | undefined>();
  readonly counts: Record<string, number> = {};
  duplicates = 0;
  fails: DatabaseErrorKind | undefined;
  /** A device or stream that it rejects as a fault of the program. */
  poison = '';
  /** More than so many at once take it too long. */
  most = Number.POSITIVE_INFINITY;
  /** Held back until it is called. */
  gate: Promise<void> | undefined;

  async take(incoming: readonly Incoming[]): Promise<readonly Taken[]> {
    await this.gate;
    this.#mayFail();
    if (incoming.length > this.most) throw new DatabaseError('busy', 'it takes too long');
    if (incoming.some((one) => nameOf(one).includes(this.poison || '\0')))
      throw new DatabaseError('wrong', 'it was poisoned');
    this.batches.push(incoming.length);
    return incoming.map((one) => {
      const key = nameOf(one);
      const isNew = !this.held.has(key);
      if (isNew) this.held.set(key, one);
      else this.duplicates++;
      return { incoming: one, verdict: isNew ? 'new' : 'duplicate', readings: [] };
    });
  }

  async heard(...[node, , status, health]: Parameters<Store['heard']>): Promise<void> {
    this.#mayFail();
    this.statuses.set(node, status);
    if (health) this.healths.set(node, health);
  }

  async refused(counts: Readonly<Record<string, number>>): Promise<void> {
    this.#mayFail();
    for (const [cause, count] of Object.entries(counts))
      this.counts[cause] = (this.counts[cause] ?? 0) + count;
  }

  async node(): Promise<undefined> {
    this.#mayFail();
    return undefined;
  }

  #mayFail(): void {
    if (this.fails) throw new DatabaseError(this.fails, `it is ${this.fails}`);
  }
}

function nameOf(one: Incoming): string {
  if (one.kind === 'pack') return `${one.device}/${one.stream}/${Buffer.from(one.identity).toString('hex')}`;
  const { node, epoch, stream, first, crc } = one.header;
  return `${node}/${epoch}/${stream}/${first}/${crc}`;
}
