import type { GapCause } from '../../wire/index.js';
import { type Range, Ranges } from '../ranges.js';

/** Ranges of a stream, of each cause of a gap too; a sane one has a few. */
const MAX_RANGES = 16_384;
/** Blocks of a stream whose bytes are kept beside those that came first. */
const MAX_CONFLICTS = 1_024;

/** A row of the table `stream`, with the epoch's names. */
export interface StreamRow {
  readonly id: bigint;
  readonly epoch_id: bigint;
  readonly node: string;
  readonly epoch: string;
  readonly name: string;
  class: string | null;
  is_log: bigint | null;
  received: bigint;
  next: bigint;
  received_ranges: bigint;
  duplicates: bigint;
  conflicts: bigint;
  contradictions: bigint;
  gap_ranges: bigint;
  lost: string;
  lost_rows: bigint;
  open_from: bigint | null;
  open_cause: string | null;
  open_learned_ms: bigint | null;
  latest_seq: bigint | null;
  latest_ns: bigint | null;
  latest: string | null;
  readonly removed_to: bigint;
  readonly [column: string]: string | number | bigint | Uint8Array | null;
}

/** Of which set of numbers: what was received, or a cause of gaps. */
export type RangesOf = 'received' | GapCause;

/** Those of a stream's ranges that a batch touches, as the database has them and as they become. */
export class StoredRanges {
  readonly ranges = new Ranges();
  readonly #loaded = new Map<number, number>();
  readonly #atMost = new Ranges();

  load(range: Range, atMost: boolean): void {
    this.#loaded.set(range.first, range.last);
    this.add(range, atMost);
  }

  add({ first, last }: Range, atMost: boolean): void {
    this.ranges.add(first, last);
    if (atMost) this.#atMost.add(first, last);
  }

  /** Of a gap: some of it was perhaps never produced. */
  isAtMost({ first, last }: Range): boolean {
    return this.#atMost.countIn(first, last) > 0;
  }

  /** First numbers of ranges that became part of others. */
  get gone(): readonly number[] {
    const left = new Set(this.ranges.list.map(({ first }) => first));
    return [...this.#loaded.keys()].filter((first) => !left.has(first));
  }

  get changed(): readonly Range[] {
    return this.ranges.list.filter(({ first, last }) => this.#loaded.get(first) !== last);
  }

  /** How many more there are than the database has. */
  get more(): number {
    return this.ranges.list.length - this.#loaded.size;
  }
}

export type BlockVerdict = 'new' | 'duplicate' | 'conflict' | 'full';

/** A stream in a batch: it judges blocks by what was had, and learns from each. */
export class StreamState {
  readonly of = new Map<RangesOf, StoredRanges>();
  /** By first number: rows and CRC. */
  readonly #blocks = new Map<number, string>();
  readonly #conflicts = new Set<string>();
  /** Set once what is lost may be something else than before. */
  recount = false;
  /** Something of its row may have changed. */
  touched = false;
  /** Something of it that a block seldom changes: doubles, conflicts, an open gap. */
  isOdd = false;
  readonly lostBefore: bigint;

  constructor(
    readonly row: StreamRow,
    /** Conflicts that the database has of it. */
    public keptConflicts: number,
  ) {
    this.lostBefore = row.lost_rows;
  }

  ranges(of: RangesOf): StoredRanges {
    const known = this.of.get(of);
    if (known) return known;
    const made = new StoredRanges();
    this.of.set(of, made);
    return made;
  }

  know(first: number, count: number, crc: number): void {
    this.#blocks.set(first, `${count}/${crc}`);
  }

  knowConflict(first: number, count: number, crc: number): void {
    this.#conflicts.add(`${first}/${count}/${crc}`);
  }

  judge(first: number, count: number, crc: number): BlockVerdict {
    if (this.#conflicts.has(`${first}/${count}/${crc}`)) return 'duplicate';
    const known = this.#blocks.get(first);
    if (known === `${count}/${crc}`) return 'duplicate';
    const { ranges } = this.ranges('received');
    const had = ranges.countIn(first, first + count - 1);
    // What came of it went with its rows: that they were had is all that is known.
    if (known === undefined && had === count && first + count <= this.row.removed_to) return 'duplicate';
    // Blocks are immutable: one that is had in part is another cut of the same numbers.
    const isConflict = known !== undefined || had > 0;
    if (isConflict) return this.keptConflicts < MAX_CONFLICTS ? 'conflict' : 'full';
    return this.#hasRoom('received', { first, last: first + count - 1 }) ? 'new' : 'full';
  }

  /** Which of these numbers weren't had; now they are. */
  receive(first: number, count: number, crc: number): readonly Range[] {
    const received = this.ranges('received').ranges;
    const last = first + count - 1;
    const pieces = new Ranges([{ first, last }]).minus(received).list;
    received.add(first, last);
    for (const piece of pieces) {
      this.know(piece.first, piece.last - piece.first + 1, crc);
      this.row.received += BigInt(piece.last - piece.first + 1);
    }
    this.#reaches(last);
    this.recount ||= [...this.of].some(([of, at]) => of !== 'received' && at.ranges.countIn(first, last) > 0);
    return pieces;
  }

  /** False: no room. */
  gap(cause: GapCause, range: Range, atMost: boolean): boolean {
    if (!this.#hasRoom(cause, range)) return false;
    this.ranges(cause).add(range, atMost);
    this.#reaches(range.last);
    this.recount = true;
    return true;
  }

  #reaches(last: number): void {
    this.touched = true;
    if (this.row.next <= last) this.row.next = BigInt(last) + 1n;
  }

  #hasRoom(of: RangesOf, { first, last }: Range): boolean {
    const stored = of === 'received' ? this.row.received_ranges : this.row.gap_ranges;
    const more = [...this.of].reduce(
      (sum, [one, at]) => ((one === 'received') === (of === 'received') ? sum + at.more : sum),
      0,
    );
    return Number(stored) + more < MAX_RANGES || this.ranges(of).ranges.touches(first, last);
  }
}
