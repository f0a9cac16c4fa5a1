import { STREAM_CLASSES } from '../../../drivers/contract/index.js';
import type { LevelOperation } from '../../../runtime/store/index.js';
import { LOG_CLASSES } from '../../../wire/index.js';
import { type Entry, keyText, type SortedEntries } from '../disk/sorted.js';
import { blocksIn, type FoundBlock } from './blocks.js';
import type { Oracle } from './oracle.js';
import { ANY_CAUSE, DESTROYED, REFUSED } from './track.js';

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Nothing leaves the store without a receipt or a gap, and what goes for want of room goes in the right order. */
export class Deletions {
  constructor(
    readonly oracle: Oracle,
    readonly quotaPercent: Readonly<Record<string, number>>,
    /** What the receipt stands for: the broker took it, or the receiver holds it. */
    readonly receipted: number,
  ) {}

  /** A batch is about to be applied to what the database holds. */
  check(operations: readonly LevelOperation[], entries: SortedEntries): void {
    for (const operation of operations) {
      if (operation.type === 'put' && operation.key[0] === 0x56 && entries.get(keyText(operation.key)))
        this.oracle.fail('writtenTwice', 'a value is written again under its commit number');
      if (operation.type !== 'del' || operation.key[0] !== 0x56) continue;
      const entry = entries.get(keyText(operation.key));
      if (entry) this.#checkValue(entry, operations, entries);
    }
  }

  #checkValue(entry: Entry, operations: readonly LevelOperation[], entries: SortedEntries): void {
    let evicted = 0;
    for (const block of blocksIn(entry.value)) {
      const track = this.oracle.track(block.epoch, block.stream);
      const flags = track.flags(block.first);
      if (flags & (this.receipted | REFUSED | DESTROYED)) continue;
      evicted += 1;
      if ((flags & ANY_CAUSE) !== 0 || isInLedger(block, operations, entries)) continue;
      const where = `${block.stream} ${block.first} to ${block.first + block.count - 1}`;
      this.oracle.fail(
        'deletedUntold',
        `${where} is deleted, without a receipt and without a gap in the same batch`,
      );
    }
    if (evicted > 0) this.#checkOrder(entry, operations, entries);
  }

  /** From the lowest class above its share, oldest first. */
  #checkOrder(entry: Entry, operations: readonly LevelOperation[], entries: SortedEntries): void {
    const gone = new Set(operations.filter(({ type }) => type === 'del').map(({ key }) => keyText(key)));
    const bytes = new Map<string, number>();
    let total = 0;
    for (const one of entries.range('V', 'W')) {
      const name = classOf(one);
      bytes.set(name, (bytes.get(name) ?? 0) + one.value.length);
      total += one.value.length;
      if (name === classOf(entry) && one.k < entry.k && !gone.has(one.k))
        this.oracle.fail('evictionOrder', `a value of ${name} is evicted before an older one`);
    }
    const name = classOf(entry);
    const share = (of: string): number => ((this.quotaPercent[of] ?? 0) / 100) * total;
    for (const lower of STREAM_CLASSES.slice(STREAM_CLASSES.indexOf(name as 'log') + 1)) {
      const held = bytes.get(lower) ?? 0;
      if (name !== 'meta' && held > 1.1 * share(lower) + 20_000)
        this.oracle.fail(
          'evictionClass',
          `${name} is evicted while ${lower} holds ${held} of ${total} bytes, above its share`,
        );
    }
    if (name === 'meta') this.oracle.fail('evictionClass', 'a meta value is evicted');
  }
}

function classOf({ k }: Entry): string {
  return LOG_CLASSES[k.charCodeAt(1)] ?? 'unknown';
}

/** A gap of the ledger's that covers the block: in this batch, or on the disk (docs/store.md: key G). */
function isInLedger(
  { first, count }: FoundBlock,
  operations: readonly LevelOperation[],
  entries: SortedEntries,
): boolean {
  const holds = ({ first: from, last }: Range): boolean => from <= first && last >= first + count - 1;
  const written = operations.flatMap((operation) =>
    operation.type === 'put' && operation.key[0] === 0x47 ? [rangeOf(operation.value)] : [],
  );
  return written.some(holds) || entries.range('G', 'H').some((entry) => holds(rangeOf(entry.value)));
}

function rangeOf(gap: Uint8Array): Range {
  const view = new DataView(gap.buffer, gap.byteOffset, gap.byteLength);
  const isOpen = (view.getUint8(1) & 2) !== 0;
  const first = Number(view.getBigUint64(2, true));
  return { first, last: isOpen ? Number.POSITIVE_INFINITY : Number(view.getBigUint64(10, true)) };
}
