import { STREAM_CLASSES, type StreamClass } from '../../../drivers/contract/index.js';
import type { LevelOperation } from '../../../runtime/store/index.js';
import { GAP_CAUSES, type GapCause, LOG_CLASSES } from '../../../wire/index.js';
import { type Entry, keyText, type SortedEntries } from '../disk/sorted.js';
import type { Scenario } from '../scenario.js';
import { blocksIn, type FoundBlock } from './blocks.js';
import type { Oracle } from './oracle.js';
import { ANY_CAUSE, DESTROYED, GIVEN_UP, REFUSED } from './track.js';

/** Where a gap of the ledger's has its stream's name. */
const NAME_AT = 32;
/** Of its share of the declared size, of which live values may take a half and more. */
const LEAST_FILL = 0.2;

interface FoundGap {
  readonly cause: GapCause | undefined;
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

/** Nothing leaves the store without a receipt or a gap, and what goes for want of room goes in the right order. */
export class Deletions {
  readonly #deleted = new Set<string>();

  constructor(
    readonly oracle: Oracle,
    readonly scenario: Pick<Scenario, 'store' | 'uplink'>,
    /** What the receipt stands for: the broker took it, or the receiver holds it. */
    readonly receipted: number,
  ) {}

  #quota(of: string): number {
    const shares: Readonly<Record<string, number>> = this.scenario.store.quotaPercent;
    return shares[of] ?? 0;
  }

  /** A batch is about to be applied to what the database holds. */
  check(operations: readonly LevelOperation[], entries: SortedEntries): void {
    const evicted: Entry[] = [];
    const ledger = new LedgerGaps(operations, entries);
    const gone = new Set<string>();
    for (const operation of operations) {
      if (operation.type === 'put' && operation.key[0] === 0x56 && entries.get(keyText(operation.key)))
        this.oracle.fail('writtenTwice', 'a value is written again under its commit number');
      if (operation.type !== 'del' || operation.key[0] !== 0x56) continue;
      const entry = entries.get(keyText(operation.key));
      gone.add(keyText(operation.key));
      this.#deleted.add(keyText(operation.key));
      if (entry && this.#checkValue(entry, ledger, entries)) evicted.push(entry);
    }
    if (evicted.length > 0) this.#checkOrder(evicted, gone, entries, ledger);
  }

  /** Whether the value goes for want of room. */
  #checkValue(entry: Entry, ledger: LedgerGaps, entries: SortedEntries): boolean {
    let isEvicted = false;
    for (const block of blocksIn(entry.value)) {
      const track = this.oracle.track(block.epoch, block.stream);
      const flags = track.flags(block.first);
      const told = ledger.find(block);
      const isSettled = (flags & (this.receipted | REFUSED | DESTROYED)) !== 0;
      // The broker may have it, and the node not know: then it is given up all the same.
      if (told || !isSettled) track.mark(block.first, block.first + block.count, GIVEN_UP);
      if (isSettled) continue;
      if (told?.cause === 'thinned') {
        this.#checkThinned(entry, entries);
        continue;
      }
      // The fleet knows already that it is given up; the value stayed for its other blocks.
      if (!told && (flags & ANY_CAUSE) !== 0) continue;
      isEvicted = true;
      if (told) continue;
      const where = `${block.stream} ${block.first} to ${block.first + block.count - 1}`;
      this.oracle.fail(
        'deletedUntold',
        `${where} is deleted, without a receipt and without a gap in the same batch`,
      );
    }
    return isEvicted;
  }

  /** Thinned is only what the budget names, and only once it fills its share of the store to a good part. */
  #checkThinned(entry: Entry, entries: SortedEntries): void {
    const name = classOf(entry);
    const { store, uplink } = this.scenario;
    if (!uplink.budget?.thin.some((one) => one === name))
      this.oracle.fail('thinned', `${name} is thinned, and no budget names it`);
    let held = 0;
    for (const one of entries.range('V', 'W')) if (classOf(one) === name) held += one.value.length;
    const least = LEAST_FILL * (this.#quota(name) / 100) * store.sizeBytes;
    if (held < least)
      this.oracle.fail('thinned', `${name} is thinned at ${held} bytes, and ${least} are the least`);
  }

  /** From the lowest class above its share, down to its share, oldest first. */
  #checkOrder(
    evicted: readonly Entry[],
    gone: ReadonlySet<string>,
    entries: SortedEntries,
    ledger: LedgerGaps,
  ): void {
    // A batch that failed has given it up already: it goes when somebody comes across it.
    const isGivenUp = (one: Entry): boolean => blocksIn(one.value).every((block) => ledger.find(block));
    const left = new Map<string, number>();
    let total = 0;
    for (const one of entries.range('V', 'W')) {
      if (gone.has(one.k)) continue;
      const name = classOf(one);
      left.set(name, (left.get(name) ?? 0) + one.value.length);
      total += one.value.length;
      const isPassedBy = evicted.some((other) => classOf(other) === name && one.k < other.k);
      // One that was deleted before came back with a log that lost it: the audit finds it in its own time.
      if (isPassedBy && !isGivenUp(one) && !this.#deleted.has(one.k) && !this.#hasHole(name, entries))
        this.oracle.fail('evictionOrder', `a value of ${name} is evicted before an older one`);
    }
    const share = (of: string): number => (this.#quota(of) / 100) * total;
    const isAbove = (of: string): boolean => (left.get(of) ?? 0) > 1.2 * share(of) + 20_000;
    for (const name of new Set(evicted.map(classOf))) {
      if (name === 'meta') this.oracle.fail('evictionClass', 'a meta value is evicted');
      // A value goes whole: the class was above its share with the last that went.
      const last = evicted.filter((one) => classOf(one) === name).at(-1)!.value.length;
      const held = (left.get(name) ?? 0) + last;
      for (const other of STREAM_CLASSES) {
        if (!isAbove(other) || other === name) continue;
        const isLower = STREAM_CLASSES.indexOf(other) > STREAM_CLASSES.indexOf(name as StreamClass);
        if (isLower || held < 0.5 * share(name) - 4000)
          this.oracle.fail(
            'evictionClass',
            `${name} is evicted, down to ${held} of ${total} bytes, while ${other} holds ${left.get(other)}, above its share`,
          );
      }
    }
  }

  /** The medium lost some of the class: what lies behind it is reached by growing steps, and a few are passed by. */
  #hasHole(name: string, entries: SortedEntries): boolean {
    const isDestroyed = ({ epoch, stream, first }: FoundBlock): boolean =>
      (this.oracle.track(epoch, stream).flags(first) & DESTROYED) !== 0;
    return entries
      .range('V', 'W')
      .some((one) => classOf(one) === name && blocksIn(one.value).some(isDestroyed));
  }
}

function classOf({ k }: Entry): string {
  return LOG_CLASSES[k.charCodeAt(1)] ?? 'unknown';
}

/** The ledger's gaps, in this batch and on the disk (docs/store.md: key G). */
class LedgerGaps {
  #all: readonly FoundGap[] | undefined;

  constructor(
    readonly operations: readonly LevelOperation[],
    readonly entries: SortedEntries,
  ) {}

  /** The one that covers the block. */
  find({ stream, first, count }: FoundBlock): FoundGap | undefined {
    this.#all ??= this.#read();
    return this.#all.find(
      (gap) => gap.stream === stream && gap.first <= first && gap.last >= first + count - 1,
    );
  }

  #read(): readonly FoundGap[] {
    const written = this.operations.flatMap((operation) =>
      operation.type === 'put' && operation.key[0] === 0x47 ? [gapOf(operation.value)] : [],
    );
    return [...written, ...this.entries.range('G', 'H').map((entry) => gapOf(entry.value))];
  }
}

export function gapOf(gap: Uint8Array): FoundGap {
  const view = new DataView(gap.buffer, gap.byteOffset, gap.byteLength);
  const isOpen = (view.getUint8(1) & 2) !== 0;
  const first = Number(view.getBigUint64(2, true));
  const stream = new TextDecoder().decode(gap.subarray(NAME_AT + 1, NAME_AT + 1 + view.getUint8(NAME_AT)));
  const cause = GAP_CAUSES[view.getUint8(0)];
  return {
    cause,
    stream,
    first,
    last: isOpen ? Number.POSITIVE_INFINITY : Number(view.getBigUint64(10, true)),
  };
}
