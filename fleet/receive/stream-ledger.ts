import { GAP_CAUSES, type Gap, type GapCause } from '../../wire/index.js';
import { type Range, Ranges } from '../ranges.js';

/** Causes that a reading may have too: the node couldn't know that it had left (docs/wire-format.md). */
const RECEIVED_WINS: ReadonlySet<GapCause> = new Set(['quota', 'thinned', 'rot', 'uncleanStop']);
/** Blocks whose CRC is remembered, a stream; some 64 bytes each. */
const REMEMBERED = 4096;
/** Ranges a stream; a sane one has a few. */
const MAX_RANGES = 16_384;

/** What one stream of one epoch came to. */
export interface StreamSummary {
  /** Rows. */
  readonly received: number;
  /** Rows accounted for without a reading; what was received after all is not in here. */
  readonly gaps: Readonly<Partial<Record<GapCause, number>>>;
  /** Rows that are neither received nor in a gap. */
  readonly missing: number;
  /** The first 100 ranges of them. */
  readonly missingRanges: readonly Range[];
  /** The next sequence, as far as is known: all below was produced. */
  readonly next: number;
  /** An open gap begins here: what may have followed is lost. */
  readonly openFrom: number | undefined;
  /** Blocks. */
  readonly blocks: number;
  readonly duplicates: number;
  readonly conflicts: number;
  /** Rows both received and in a gap whose cause excludes it: somebody is wrong. */
  readonly contradictions: number;
}

/** `again`: all its numbers came before, and their CRC is forgotten: it can't be told from a conflict. */
export type BlockVerdict = 'new' | 'duplicate' | 'again' | 'conflict' | 'ledgerFull';

/** received ∪ gaps against produced, of one (node, epoch, stream): ranges only, no rows. */
export class StreamLedger {
  readonly received = new Ranges();
  readonly gaps = new Map<GapCause, Ranges>();
  openFrom: number | undefined;
  blocks = 0;
  duplicates = 0;
  conflicts = 0;
  /** By first number, oldest first: its rows and its CRC as one number, rows × 2^32 + CRC. */
  readonly #remembered = new Map<number, number>();

  /** Counts a block as judged. A conflict's rows are counted as received too: both are kept. */
  take(verdict: BlockVerdict, first: number, last: number, crc: number): void {
    if (verdict === 'duplicate' || verdict === 'again') this.duplicates++;
    if (verdict === 'conflict') this.conflicts++;
    if (verdict === 'new' || verdict === 'conflict') this.receive(first, last, crc);
    if (verdict === 'again') this.#remember(first, shortOf(first, last, crc));
  }

  /** Judges a block by its identity. */
  judge(first: number, last: number, crc: number): BlockVerdict {
    const known = this.#remembered.get(first);
    if (known !== undefined) return known === shortOf(first, last, crc) ? 'duplicate' : 'conflict';
    const have = this.received.countIn(first, last);
    // Blocks are immutable: one that is had in part is another cut of the same numbers.
    if (have > 0) return have === last - first + 1 ? 'again' : 'conflict';
    return hasRoom(this.received, first, last) ? 'new' : 'ledgerFull';
  }

  receive(first: number, last: number, crc?: number): void {
    this.blocks++;
    this.received.add(first, last);
    if (crc !== undefined) this.#remember(first, shortOf(first, last, crc));
  }

  /** Of two in conflict the first is remembered. */
  #remember(first: number, short: number): void {
    if (!this.#remembered.has(first)) this.#remembered.set(first, short);
    if (this.#remembered.size > REMEMBERED)
      for (const oldest of this.#remembered.keys()) return void this.#remembered.delete(oldest);
  }

  /** Pairs of first number, and rows × 2^32 + CRC; oldest first. */
  get remembered(): readonly number[] {
    return [...this.#remembered].flat();
  }

  restoreRemembered(pairs: readonly number[]): void {
    for (let at = 0; at + 1 < pairs.length; at += 2) this.#remember(pairs[at]!, pairs[at + 1]!);
  }

  /** False: the ledger is full. */
  gap(gap: Gap): boolean {
    if (gap.last === undefined) {
      this.openFrom = Math.min(this.openFrom ?? gap.first, gap.first);
      return true;
    }
    const ranges = this.gaps.get(gap.cause) ?? new Ranges();
    if (!hasRoom(ranges, gap.first, gap.last)) return false;
    ranges.add(gap.first, gap.last);
    this.gaps.set(gap.cause, ranges);
    return true;
  }

  summary(): StreamSummary {
    const next = Math.max(this.received.end, ...[...this.gaps.values()].map((ranges) => ranges.end));
    const gaps: Partial<Record<GapCause, number>> = {};
    let left = new Ranges(next > 0 ? [{ first: 0, last: next - 1 }] : []).minus(this.received);
    let contradictions = 0;
    for (const cause of GAP_CAUSES) {
      const ranges = this.gaps.get(cause);
      if (!ranges) continue;
      const without = left.minus(ranges);
      if (left.count > without.count) gaps[cause] = left.count - without.count;
      if (!RECEIVED_WINS.has(cause)) contradictions += ranges.count - ranges.minus(this.received).count;
      left = without;
    }
    const { openFrom, blocks, duplicates, conflicts } = this;
    const counts = { next, openFrom, blocks, duplicates, conflicts, contradictions };
    const missingRanges = left.list.slice(0, 100);
    return { received: this.received.count, gaps, missing: left.count, missingRanges, ...counts };
  }
}

function hasRoom(ranges: Ranges, first: number, last: number): boolean {
  return ranges.list.length < MAX_RANGES || ranges.touches(first, last);
}

function shortOf(first: number, last: number, crc: number): number {
  return (last - first + 1) * 2 ** 32 + crc;
}
