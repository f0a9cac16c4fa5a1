import type { Channel, Rows } from '../../drivers/contract/index.js';
import type { ColumnType, NativeRows } from '../../native/types.js';
import { Texts, textBytes } from './texts.js';

/** The most rows of a block. */
export const MAX_ROWS_PER_BLOCK = 4096;
const FIRST_CAPACITY = 8;

/** What a row of numbers takes in memory, bytes. */
export function rowBytes(channels: number): number {
  return 8 + 9 * channels;
}

/** What rows of one descriptor version have in common. */
export interface Shape {
  readonly version: number;
  readonly channels: readonly Channel[];
}

/** Rows of one stream and one descriptor version that wait: columns' bytes, no object a row. */
export class Columns {
  #times = new BigInt64Array(FIRST_CAPACITY);
  #values: Float64Array;
  #quality: Uint8Array;
  readonly #texts: Texts | undefined;
  count = 0;

  constructor(
    readonly version: number,
    readonly channels: readonly Channel[],
  ) {
    this.#values = new Float64Array(FIRST_CAPACITY * channels.length);
    this.#quality = new Uint8Array(FIRST_CAPACITY * channels.length);
    this.#texts = hasTexts(channels) ? new Texts() : undefined;
  }

  get full(): boolean {
    return this.count >= MAX_ROWS_PER_BLOCK || this.#texts?.full === true;
  }

  get bytes(): number {
    return this.count * rowBytes(this.channels.length) + (this.#texts?.bytes ?? 0);
  }

  get columns(): readonly ColumnType[] {
    return this.channels.map((channel) => channel.type);
  }

  /** Copies row `from` and up to `most` in all; returns how many it took. Call it only while not full. */
  take(rows: NativeRows, from: number, most: number): number {
    const taken = this.#texts ? 1 : Math.min(most, MAX_ROWS_PER_BLOCK - this.count);
    this.#grow(this.count + taken);
    const width = this.channels.length;
    const [at, start, end] = [this.count * width, from * width, (from + taken) * width];
    for (let i = 0; i < taken; i += 1) this.#times[this.count + i] = rows.timesNs[from + i]!;
    for (let i = start; i < end; i += 1) {
      this.#values[at + i - start] = rows.values[i]!;
      this.#quality[at + i - start] = rows.quality[i]!;
      this.#texts?.push(rows.texts?.[i]);
    }
    this.count += taken;
    return taken;
  }

  /** Rows [from, to) as the codec takes them: views. */
  rows(from: number, to: number): NativeRows {
    const width = this.channels.length;
    const numbers = {
      timesNs: this.#times.subarray(from, to),
      values: this.#values.subarray(from * width, to * width),
      quality: this.#quality.subarray(from * width, to * width),
    };
    return this.#texts ? { ...numbers, texts: this.#texts.slice(from * width, to * width) } : numbers;
  }

  #grow(needed: number): void {
    if (needed <= this.#times.length) return;
    const capacity = Math.min(MAX_ROWS_PER_BLOCK, Math.max(needed, 2 * this.#times.length));
    const times = new BigInt64Array(capacity);
    const values = new Float64Array(capacity * this.channels.length);
    const quality = new Uint8Array(capacity * this.channels.length);
    times.set(this.#times);
    values.set(this.#values);
    quality.set(this.#quality);
    [this.#times, this.#values, this.#quality] = [times, values, quality];
  }
}

/** Consecutive numbered rows that wait to be sealed. */
export class Chunk extends Columns {
  constructor(
    readonly first: number,
    version: number,
    channels: readonly Channel[],
  ) {
    super(version, channels);
  }

  get end(): number {
    return this.first + this.count;
  }
}

function hasTexts(channels: readonly Channel[]): boolean {
  return channels.some(({ type }) => type.kind === 'utf8' || type.kind === 'bytes');
}

/** What rows take in memory from row `from` on, bytes; an upper bound for texts. */
export function bytesOf(rows: NativeRows, channels: number, from = 0): number {
  let bytes = (rows.timesNs.length - from) * rowBytes(channels);
  if (!rows.texts) return bytes;
  for (let i = from * channels; i < rows.texts.length; i += 1) bytes += textBytes(rows.texts[i]);
  return bytes;
}

/** Whether the rows have the stream's shape: then they can be copied without looking. */
export function fits(rows: Rows, channels: readonly Channel[]): boolean {
  const cells = rows.timesNs.length * channels.length;
  const texts = rows.texts === undefined || rows.texts.length === cells;
  return texts && rows.values.length === cells && rows.quality.length === cells;
}
