import type { Rows } from '../../drivers/contract/index.js';
import type { GapCause, LogClass } from '../../wire/index.js';
import { bytesOf, Chunk, fits } from './chunk.js';
import type { StreamId } from './keys.js';
import { RangeSet } from './ranges.js';
import type { StreamRecord } from './records.js';

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

/** Bytes of all rows that are in memory and not yet on the disk. */
export interface Memory {
  bytes: number;
}

/** Rows without numbers yet, or how many were lost of them and why. */
type Unnumbered = UnnumberedRows | { count: number; readonly cause: GapCause };

/** `record`: the stream's shape when they came. */
interface UnnumberedRows {
  readonly rows: Rows;
  readonly record: StreamRecord;
  from: number;
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
  chunks: Chunk[] = [];
  /** Numbers that are still to be given: to rows that wait, and to rows that were lost before they had one. */
  unnumberedRows = 0;
  #lostRows = 0;
  /** Of chunks and unnumbered rows. */
  bytes = 0;
  readonly #unnumbered: Unnumbered[] = [];
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
    const good = fits(rows, this.record.channels);
    if (good) this.#grew(bytesOf(rows, this.record.channels.length));
    if (good && this.#unnumbered.length === 0 && this.next + count <= this.limit) {
      this.#copy({ rows, record: this.record, from: 0 }, count);
      return;
    }
    this.#unnumbered.push(good ? { rows, record: this.record, from: 0 } : { count, cause: 'rejected' });
    if (!good) this.#lostRows += count;
    this.unnumberedRows += count;
    this.number();
  }

  /** Gives numbers to rows that waited for them. */
  number(): void {
    for (let item = this.#unnumbered[0]; item && this.next < this.limit; item = this.#unnumbered[0]) {
      const room = this.limit - this.next;
      const done = 'rows' in item ? this.#numberRows(item, room) : this.#numberLost(item, room);
      if (done) this.#unnumbered.shift();
    }
  }

  /** Rows in memory that are not sealed. */
  get waitingRows(): number {
    const numbered = this.chunks.reduce((sum, chunk) => sum + chunk.count, 0);
    return numbered + this.unnumberedRows - this.#lostRows;
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

  /** Chunks for sealing: afterwards the stream holds none. */
  takeChunks(): readonly Chunk[] {
    const taken = this.chunks;
    this.chunks = [];
    for (const chunk of taken) this.#grew(-chunk.bytes);
    return taken;
  }

  /** Loses the oldest rows in memory; false when there are none. */
  dropOldest(): boolean {
    const chunk = this.chunks.shift();
    if (chunk) {
      this.#grew(-chunk.bytes);
      this.onGap(this, chunk.first, chunk.end - 1, 'overflow');
      return true;
    }
    const at = this.#unnumbered.findIndex((item) => 'rows' in item);
    const item = this.#unnumbered[at];
    if (!item || !('rows' in item)) return false;
    this.#loseUnnumbered(at, item);
    return true;
  }

  #loseUnnumbered(at: number, item: UnnumberedRows): void {
    const count = item.rows.timesNs.length - item.from;
    this.#lostRows += count;
    this.#grew(-bytesOf(item.rows, item.record.channels.length, item.from));
    const before = this.#unnumbered[at - 1];
    if (before && !('rows' in before) && before.cause === 'overflow') {
      before.count += count;
      this.#unnumbered.splice(at, 1);
    } else this.#unnumbered[at] = { count, cause: 'overflow' };
  }

  #numberRows(item: UnnumberedRows, room: number): boolean {
    const left = item.rows.timesNs.length - item.from;
    const taken = Math.min(left, room);
    this.#copy(item, taken);
    this.unnumberedRows -= taken;
    return taken === left;
  }

  #numberLost(item: { count: number; readonly cause: GapCause }, room: number): boolean {
    const taken = Math.min(item.count, room);
    this.onGap(this, this.next, this.next + taken - 1, item.cause);
    this.next += taken;
    this.unnumberedRows -= taken;
    this.#lostRows -= taken;
    item.count -= taken;
    return item.count === 0;
  }

  #copy(item: UnnumberedRows, count: number): void {
    for (let left = count; left > 0; ) {
      const taken = this.#openChunk(item.record).take(item.rows, item.from, left);
      this.next += taken;
      item.from += taken;
      left -= taken;
    }
  }

  #openChunk({ version, channels }: StreamRecord): Chunk {
    const last = this.chunks.at(-1);
    if (last && !last.full && last.end === this.next && last.version === version) return last;
    const chunk = new Chunk(this.next, version, channels);
    this.chunks.push(chunk);
    return chunk;
  }

  #grew(bytes: number): void {
    this.bytes += bytes;
    this.memory.bytes += bytes;
  }
}
