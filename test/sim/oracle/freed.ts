import type { LevelOperation } from '../../../runtime/store/index.js';
import { type Gap, META_STREAM } from '../../../wire/index.js';
import { keyText, type SortedEntries } from '../disk/sorted.js';
import type { World } from '../run/world.js';
import { blocksIn } from './blocks.js';
import { gapOf } from './deletions.js';

/** Receipts ride with a commit that comes anyway, or go within a minute (docs/store.md, The interval); twice that is too long. */
const WITHIN_NS = 120e9;
const SYNCS = 20;

interface Value {
  /** Of its blocks, those that the broker has not answered for in this process. */
  readonly left: Set<string>;
  freeNs: number | undefined;
}

/**
 * Custody broker: what has its receipt goes from the disk. A receipt that is forgotten costs no data, and the room until the next link,
 * so nothing else would show it.
 */
export class Freed {
  readonly #values = new Map<string, Value>();
  readonly #valueOf = new Map<string, Value>();
  /** What a meta block says is gone, as the ledger has it. */
  readonly #gapsOf = new Map<string, readonly string[]>();
  readonly #told = new Map<string, number>();
  #entries: SortedEntries | undefined;

  constructor(readonly world: World) {}

  stored(key: string, value: Uint8Array): void {
    if (this.#values.has(key)) return;
    const blocks = blocksIn(value);
    const left = new Set(blocks.map(({ epoch, stream, first }) => `${epoch}/${stream}/${first}`));
    for (const { epoch, stream, first, gaps } of blocks)
      if (stream === META_STREAM) {
        // Of its own epoch: two epochs may have gaps with the same numbers.
        const own = gaps.filter((gap) => gap.epoch === epoch);
        this.#gapsOf.set(`${epoch}/${stream}/${first}`, own.map(nameOf));
      }
    const one: Value = { left, freeNs: undefined };
    this.#values.set(key, one);
    for (const block of left) this.#valueOf.set(block, one);
  }

  answered(epoch: string, stream: string, first: number): void {
    const block = `${epoch}/${stream}/${first}`;
    const value = this.#valueOf.get(block);
    value?.left.delete(block);
    // Of an earlier epoch nothing is looked at.
    const gaps = epoch === this.world.running?.store.epoch ? this.#gapsOf.get(block) : undefined;
    for (const gap of gaps ?? []) if (!this.#told.has(gap)) this.#told.set(gap, this.world.kernel.nowNs);
    if (value?.left.size === 0) value.freeNs ??= this.world.kernel.nowNs;
  }

  batch(operations: readonly LevelOperation[], entries: SortedEntries): void {
    this.#entries = entries;
    for (const { type, key } of operations) if (type === 'del') this.#values.delete(keyText(key));
  }

  /** A database was opened, perhaps anew in one process. */
  opened(entries: SortedEntries): void {
    this.#entries = entries;
    for (const key of [...this.#values.keys()]) if (!entries.get(key)) this.#values.delete(key);
  }

  /** A process ends: what it had not written down of receipts is forgotten. */
  ended(): void {
    this.#values.clear();
    this.#valueOf.clear();
    this.#gapsOf.clear();
    this.#told.clear();
  }

  /** `unwellNs`: when something was last wrong with the disk. */
  look(unwellNs: number): void {
    const { kernel, oracle, scenario } = this.world;
    const { uplink, store, faults } = scenario;
    const isSure = uplink.custody !== 'fleet' && !uplink.senml && !faults.some(({ kind }) => kind === 'rot');
    if (!isSure) return;
    const boundNs = WITHIN_NS + SYNCS * 1e6 * store.syncMs;
    for (const [key, { freeNs }] of this.#values) {
      const sinceS = (kernel.nowNs - Math.max(freeNs ?? kernel.nowNs, unwellNs)) / 1e9;
      if (sinceS * 1e9 > boundNs)
        oracle.fail(
          'freed',
          `value ${Buffer.from(key, 'latin1').toString('hex')} is on the disk ${sinceS} s after its receipts`,
        );
    }
    this.#lookAtGaps(unwellNs, boundNs);
  }

  /** What the receiver knows of is no longer in the ledger: it would be told for ever, or fill the disk. */
  #lookAtGaps(unwellNs: number, boundNs: number): void {
    const { kernel, oracle } = this.world;
    const current = epochOf(this.#entries?.range('T', 'U').at(-1)?.key);
    for (const { key, value } of this.#entries?.range('G', 'H') ?? []) {
      if (epochOf(key) !== current) continue;
      const gap = gapOf(value);
      const toldNs = this.#told.get(nameOf(gap));
      if (gap.last === Number.POSITIVE_INFINITY || toldNs === undefined) continue;
      const sinceNs = kernel.nowNs - Math.max(toldNs, unwellNs);
      if (sinceNs > boundNs)
        oracle.fail('freed', `${nameOf(gap)} is in the ledger ${sinceNs / 1e9} s after it was told`);
    }
  }
}

/** docs/store.md: keys of gaps and of streams go on with the epoch's place, two bytes; each epoch has a stream at once. */
function epochOf(key: Uint8Array | undefined): number | undefined {
  return key && 256 * key[1]! + key[2]!;
}

function nameOf({
  stream,
  first,
  last,
  cause,
}: Pick<Gap, 'stream' | 'first' | 'last'> & { cause: unknown }): string {
  return `gap ${cause} of ${stream} ${first} to ${last}`;
}
