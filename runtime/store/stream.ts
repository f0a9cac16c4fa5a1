import type { Rows } from '../../drivers/contract/index.js';
import type { NativeRows } from '../../native/types.js';
import type { GapCause, LogClass } from '../../wire/index.js';
import { bytesOf, Chunk, fits, type Shape } from './chunk.js';
import type { StreamId } from './keys.js';
import type { Memory } from './memory-bound.js';
import { RangeSet } from './ranges.js';
import type { StreamRecord } from './records.js';
import { lastRows, Unnumbered } from './unnumbered.js';

/** How far ahead numbers are reserved, rows: an unclean stop says that so many may have been lost. */
interface Ahead {
  readonly min: number;
  readonly max: number;
}

const BY_RATE: Ahead = { min: 16, max: 65_536 };
/** An alarm commits at once and the next number is reserved behind it: only a second one within those milliseconds waits for one. */
const ONE: Ahead = { min: 1, max: 1 };

function aheadOf(logClass: LogClass): Ahead {
  return logClass === 'alarm' ? ONE : BY_RATE;
}

export type OnGap = (stream: Stream, first: number, last: number, cause: GapCause) => void;

/**
 * One stream of one epoch: gives the numbers, and holds numbered rows until they are sealed. Numbers at or past `limit` aren't given:
 * rows then wait unnumbered, in order.
 */
export class Stream implements StreamId {
  readonly epoch: number;
  readonly id: number;
  readonly name: string;
  /** As declared; alarms and events are live by nature. */
  declaredLive = false;
  /** All numbers that no stored block needs to answer for: received on the right-hand side, or in a gap. */
  settled = new RangeSet();
  readonly chunks: Chunk[] = [];
  /** Of chunks and unnumbered rows. */
  bytes = 0;
  readonly #unnumbered = new Unnumbered();
  #ahead: number;
  #rated: { readonly ns: bigint; readonly next: number } | undefined;

  constructor(
    /** Of its newest descriptor; rows of a new one begin a new block. */
    public record: StreamRecord,
    /** The next number to be given. */
    public next: number,
    /** Durable in the reserve. */
    public limit: number,
    readonly memory: Memory,
    readonly onGap: OnGap,
  ) {
    this.epoch = record.epoch;
    this.id = record.id;
    this.name = record.name;
    this.#ahead = aheadOf(record.class).min;
  }

  get class(): LogClass {
    return this.record.class;
  }

  get isLive(): boolean {
    return this.declaredLive || this.class === 'alarm' || this.class === 'event';
  }

  append(rows: Rows): void {
    const count = rows.timesNs.length;
    if (count === 0) return;
    if (!fits(rows, this.record.channels)) this.#unnumbered.lose(count, 'rejected');
    else {
      const bytes = bytesOf(rows, this.record.channels.length);
      this.bytes += bytes;
      this.memory.take(bytes);
      if (this.unnumberedRows === 0 && this.next + count <= this.limit) {
        this.#copy(rows, this.record, count);
        return;
      }
      this.#unnumbered.push(rows, this.record);
    }
    while (this.number());
  }

  /** Rows that nobody has any more get their numbers, and these a gap. */
  lose(count: number, cause: GapCause): void {
    this.#unnumbered.lose(count, cause);
    while (this.number());
  }

  /** Gives numbers to the first rows that wait for them; false when none could be given. They are copied: a look at memory is due. */
  number(): boolean {
    const run = this.#unnumbered.first;
    const taken = Math.min(run?.count ?? 0, this.limit - this.next);
    if (!run || taken <= 0) return false;
    if (run.columns) {
      const rows = lastRows(run.columns, run.count);
      this.#copy(rows, run.columns, taken);
      this.memory.copied(bytesOf(rows, run.columns.channels.length));
    } else {
      this.onGap(this, this.next, this.next + taken - 1, run.cause);
      this.next += taken;
    }
    this.#unnumbered.numbered(taken);
    return true;
  }

  /** Numbers that are still to be given: to rows that wait, and to rows that were lost before they had one. */
  get unnumberedRows(): number {
    return this.#unnumbered.count;
  }

  /** Rows in memory that are not sealed. */
  get waitingRows(): number {
    const numbered = this.chunks.reduce((sum, chunk) => sum + chunk.count, 0);
    return numbered + this.#unnumbered.rows;
  }

  /** Whether the reserve should reach further: half of what was reserved is used, or rows wait. */
  get wantsReserve(): boolean {
    return this.unnumberedRows > 0 || this.limit - this.next <= this.#ahead / 2;
  }

  /**
   * The limit that this stream's rate asks for, `aheadMs` ahead: call it once a renewal. The rate is measured over a quarter of that time
   * at least, so that a burst reserves no more than four times its rows.
   */
  wantedLimit(nowNs: bigint, aheadMs: number): number {
    const produced = this.next + this.unnumberedRows;
    this.#rated ??= { ns: nowNs, next: produced };
    const elapsedMs = Number(nowNs - this.#rated.ns) / 1e6;
    if (elapsedMs >= aheadMs / 4 || (this.wantsReserve && produced > this.#rated.next)) {
      const rows = Math.ceil(((produced - this.#rated.next) / Math.max(elapsedMs, aheadMs / 4)) * aheadMs);
      const { min, max } = aheadOf(this.class);
      this.#ahead = Math.min(max, Math.max(min, rows));
      this.#rated = { ns: nowNs, next: produced };
    }
    return Math.max(this.limit, produced + this.#ahead);
  }

  /** The oldest chunk, for sealing: the stream holds it no longer. */
  takeChunk(): Chunk | undefined {
    const chunk = this.chunks.shift();
    if (chunk) this.#give(chunk.bytes);
    return chunk;
  }

  /** Loses the oldest rows in memory; false when there are none. */
  dropOldest(): boolean {
    const chunk = this.takeChunk();
    if (chunk) {
      this.onGap(this, chunk.first, chunk.end - 1, 'overflow');
      return true;
    }
    const bytes = this.#unnumbered.dropOldest();
    if (bytes !== undefined) this.#give(bytes);
    return bytes !== undefined;
  }

  /** The first `count` of the rows. */
  #copy(rows: NativeRows, shape: Shape, count: number): void {
    for (let from = 0; from < count; ) {
      const taken = this.#openChunk(shape).take(rows, from, count - from);
      this.next += taken;
      from += taken;
    }
  }

  #openChunk({ version, channels }: Shape): Chunk {
    const last = this.chunks.at(-1);
    if (last && !last.full && last.end === this.next && last.version === version) return last;
    const chunk = new Chunk(this.next, version, channels);
    this.chunks.push(chunk);
    return chunk;
  }

  #give(bytes: number): void {
    this.bytes -= bytes;
    this.memory.give(bytes);
  }
}
