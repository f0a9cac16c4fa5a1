import type { Rows } from '../../../drivers/contract/index.js';
import { GAP_CAUSES, type GapCause } from '../../../wire/index.js';
import type { Boot } from '../machine/machine.js';

/** What is known of one number. */
export const ACKNOWLEDGED = 1;
export const RECEIVED = 2;
/** The medium was damaged where it lay. */
export const DESTROYED = 4;
/** The broker refused it for good. */
export const REFUSED = 8;
/** Whoever could have accounted for it was destroyed by the medium. */
export const EXCUSED = 16;
/** The broker took it at least once. */
export const TAKEN = 32;
/** It was in a value that the database took. */
export const STORED = 64;
/** The receiver's journal has it. */
export const HELD = 128;
const FIRST_CAUSE = 8;
export const ANY_CAUSE = ((1 << GAP_CAUSES.length) - 1) << FIRST_CAUSE;
/** Its value was deleted without a receipt. */
export const GIVEN_UP = 1 << 15;

export function causeBit(cause: GapCause): number {
  return 1 << (FIRST_CAUSE + GAP_CAUSES.indexOf(cause));
}

export function causesOf(flags: number): readonly GapCause[] {
  return GAP_CAUSES.filter((cause) => flags & causeBit(cause));
}

/** One process's part of a stream: from this number on. */
export interface Segment {
  readonly from: number;
  readonly bootNumber: number;
  readonly boot: Boot;
}

/** All that one (epoch, stream) came to, number by number. */
export class Track {
  /** One past the highest number that was given. */
  end = 0;
  /** Before the medium lost it. */
  mostEnd = 0;
  /** The next row's number, while a process gives them. */
  next = 0;
  /** Of the numbers that this process has given, those below. */
  acknowledgedTo = 0;
  openFrom = Number.POSITIVE_INFINITY;
  resolvedTo = 0;
  /** When it was last given rows, true time. */
  givenNs = 0;
  readonly segments: Segment[] = [];
  /** Blocks that the database took, by their first number. */
  readonly blocks = new Map<number, { readonly commit: number; readonly count: number }>();
  readonly #rows: (Rows | undefined)[] = [];
  readonly #at: number[] = [];
  #flags = new Uint16Array(256);

  constructor(
    readonly epoch: string,
    readonly stream: string,
  ) {}

  begin(next: number, bootNumber: number, boot: Boot): void {
    this.next = next;
    this.acknowledgedTo = next;
    this.segments.push({ from: next, bootNumber, boot });
  }

  append(rows: Rows): void {
    for (let i = 0; i < rows.timesNs.length; i += 1) {
      this.#rows[this.next] = rows;
      this.#at[this.next] = i;
      this.next += 1;
    }
  }

  /** The process ended: rows from `next` on never had a number. */
  cut(next: number): void {
    this.end = Math.max(this.end, next);
    if (this.#rows.length > next) {
      this.#rows.length = next;
      this.#at.length = next;
    }
  }

  /** The medium lost up to where numbers were given: those at the end that nobody has seen may be given again. */
  limitDestroyed(): void {
    this.mostEnd = Math.max(this.mostEnd, this.end);
    while (this.end > 0 && this.flags(this.end - 1) === 0) this.end -= 1;
  }

  rowOf(n: number): { readonly rows: Rows; readonly at: number } | undefined {
    const rows = this.#rows[n];
    return rows && { rows, at: this.#at[n]! };
  }

  /** Given by this process, and neither on the disk nor told to be lost. */
  waiting(): readonly number[] {
    const numbers: number[] = [];
    for (let n = this.acknowledgedTo; n < this.next; n += 1)
      if ((this.flags(n) & (STORED | ANY_CAUSE)) === 0) numbers.push(n);
    return numbers;
  }

  /** Bytes of the row's texts. */
  textBytes(n: number): number {
    const row = this.rowOf(n);
    if (!row?.rows.texts) return 0;
    const width = row.rows.values.length / row.rows.timesNs.length;
    const texts = row.rows.texts.slice(row.at * width, (row.at + 1) * width);
    return texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  }

  segmentOf(n: number): Segment | undefined {
    for (let i = this.segments.length - 1; i >= 0; i -= 1)
      if (this.segments[i]!.from <= n) return this.segments[i];
    return undefined;
  }

  readonly flags = (n: number): number => this.#flags[n] ?? 0;

  /** Marks [from, to). */
  mark(from: number, to: number, flag: number): void {
    if (to > this.#flags.length) {
      const grown = new Uint16Array(Math.max(to, 2 * this.#flags.length));
      grown.set(this.#flags);
      this.#flags = grown;
    }
    for (let n = from; n < to; n += 1) this.#flags[n]! |= flag;
  }

  /** The store holds [from, to): what it had to give up before is in a gap instead. */
  acknowledge(from: number, to: number): void {
    for (let n = from; n < to; n += 1) if (this.flags(n) & STORED) this.#flags[n]! |= ACKNOWLEDGED;
  }

  /** Whether the right-hand side can say what became of it. */
  isResolved(n: number): boolean {
    return n >= this.openFrom || (this.flags(n) & (RECEIVED | EXCUSED | ANY_CAUSE)) !== 0;
  }

  /** All numbers below. */
  isResolvedTo(end: number): boolean {
    while (this.resolvedTo < end && this.isResolved(this.resolvedTo)) this.resolvedTo += 1;
    return this.resolvedTo >= end;
  }
}
