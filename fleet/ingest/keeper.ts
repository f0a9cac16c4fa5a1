import type { DecodedHeader } from '../../native/index.js';
import { mayPass, type Queries } from '../db/index.js';
import type { Incoming, Store, Taken } from '../store/index.js';
import type { DeadLetters } from './dead-letters.js';
import type { Entry } from './entry.js';
import { Known } from './known.js';
import { type Notice, type Refusal, type RefusalCause, Refused } from './types.js';

/** Single messages that fail one after the other: then it is the store that is wrong, not they. */
const MAX_FAILED_IN_A_ROW = 32;
/** The store's own bound; one message has at most 64. */
const MAX_AT_ONCE = 1024;
const NODE_DEVICE = /^senml:([0-9a-f]{16})$/;

export interface KeeperOptions {
  readonly store: Pick<Store, 'take' | 'node'>;
  readonly deadLetters: DeadLetters;
  readonly nowMs: () => number;
  /** Signs for blocks that the store holds. */
  readonly receipts?: { held(header: DecodedHeader): void };
  /** In the store's transaction: alerts are queued here, or the rows aren't taken either. */
  readonly within?: (tx: Queries, taken: readonly Taken[]) => Promise<void>;
  /** After the commit. Must not throw. */
  readonly onTaken?: (taken: readonly Taken[]) => void;
  /** Is acknowledged once it resolves. */
  readonly onNotice?: (notice: Notice, receivedMs: number) => Promise<void>;
  readonly onRefusal?: (refusal: Refusal, topic: string) => void;
}

/** Puts messages into the store, and finds the one among many that it can't take. */
export class Keeper {
  readonly known: Known;
  #failedInARow = 0;
  /** By cause, since they were last taken out. */
  counts: Partial<Record<RefusalCause | 'meta.malformed', number>> = {};

  constructor(private readonly options: KeeperOptions) {
    this.known = new Known(options.store);
  }

  refuse(entry: Pick<Entry, 'message' | 'settle'>, cause: RefusalCause, text: string): void {
    const refusal: Refusal = { kind: 'refusal', cause, text };
    this.count(cause, 1);
    this.options.onRefusal?.(refusal, entry.message.topic);
    entry.settle(refusal);
  }

  count(cause: RefusalCause | 'meta.malformed', times: number): void {
    this.counts[cause] = (this.counts[cause] ?? 0) + times;
  }

  /**
   * Settles each, in order; throws where the store is away, or wrong as a whole: what isn't settled then is as it was, and the first of it is
   * what failed.
   */
  async keep(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) if (!entry.isSettled) await this.#each(entry, () => this.#admit(entry));
    await this.#take(entries.filter((entry) => !entry.isSettled));
  }

  /** Halves what fails, until the one that does is alone. */
  async #take(entries: readonly Entry[]): Promise<void> {
    const half = entries.length >> 1;
    if (half === 0) {
      for (const entry of entries) await this.#each(entry, () => this.#store([entry]));
      return;
    }
    const isTooMany = entries.reduce((sum, entry) => sum + entry.incoming.length, 0) > MAX_AT_ONCE;
    try {
      if (!isTooMany) return await this.#store(entries);
    } catch (error) {
      if (mayPass(error)) throw error;
    }
    await this.#take(entries.slice(0, half));
    await this.#take(entries.slice(half));
  }

  /** What fails twice on this message alone makes a dead letter of it. */
  async #each(entry: Entry, work: () => Promise<void>): Promise<void> {
    try {
      await work().catch((error: unknown) => {
        if (error instanceof Refused || mayPass(error)) throw error;
        return work();
      });
    } catch (error) {
      if (error instanceof Refused) return this.refuse(entry, error.kind, error.message);
      if (mayPass(error) || this.#failedInARow >= MAX_FAILED_IN_A_ROW) throw error;
      this.#failedInARow++;
      const isKept = await this.options.deadLetters.keep(entry.message);
      this.refuse(entry, isKept ? 'deadLetter' : 'deadLetterFull', (error as Error).message);
    }
  }

  /** Tells notices, and holds packs against what is known. */
  async #admit(entry: Entry): Promise<void> {
    const { nowMs, onNotice } = this.options;
    if (entry.notice) {
      await onNotice?.(entry.notice, entry.message.receivedMs);
      return entry.settle({ kind: 'held' });
    }
    const incoming: Incoming[] = [];
    for (const one of entry.incoming) {
      const node = one.kind === 'pack' ? NODE_DEVICE.exec(one.device)?.[1] : undefined;
      if (node !== undefined && (await this.known.sendsBlocks(node, nowMs())))
        throw new Refused('senmlBesideBlocks', `${node} sends blocks of the same rows`);
      incoming.push(one.kind === 'pack' ? await this.known.aligned(one, nowMs()) : one);
    }
    entry.incoming = incoming;
  }

  async #store(entries: readonly Entry[]): Promise<void> {
    const { store, within, onTaken } = this.options;
    const incoming = entries.flatMap((entry) => entry.incoming);
    // A pack without records has nothing to be taken.
    if (incoming.length === 0) {
      for (const entry of entries) entry.settle({ kind: 'held' });
      return;
    }
    const receivedMs = Math.max(...entries.map(({ message }) => message.receivedMs));
    const taken = await store.take(incoming, receivedMs, within);
    this.#failedInARow = 0;
    let at = 0;
    for (const entry of entries) {
      this.#settle(entry, taken.slice(at, at + entry.incoming.length));
      at += entry.incoming.length;
    }
    onTaken?.(taken);
  }

  #settle(entry: Entry, taken: readonly Taken[]): void {
    for (const { incoming, verdict } of taken)
      if (incoming.kind === 'block' && verdict !== 'refused') this.options.receipts?.held(incoming.header);
    const refused = taken.find(({ verdict }) => verdict === 'refused');
    if (refused) this.refuse(entry, 'storeRefused', refused.why ?? 'no room');
    else entry.settle({ kind: 'held' });
  }
}
