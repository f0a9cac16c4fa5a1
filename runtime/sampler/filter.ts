import { type Channel, type ChannelType, QUALITY, type Rows } from '../../drivers/contract/index.js';

/** Rows of a polled stream without any change in a measured channel after which it's `stale`: noise alone moves a live part. */
const STALE_AFTER_ROWS = 30;

/** Rounds to the channel's type and judges each value: out of the part's range is `suspect`, never moving is `stale`. */
export class StreamFilter {
  readonly #scales: Float64Array;
  readonly #measured: readonly number[];
  readonly #last: Float64Array;
  #unchanged = 0;

  constructor(
    private readonly channels: readonly Channel[],
    private readonly watchStale: boolean,
  ) {
    this.#scales = Float64Array.from(channels, (channel) => scaleOf(channel.type));
    this.#measured = channels.flatMap((channel, i) => (isMeasured(channel.type) ? [i] : []));
    this.#last = new Float64Array(channels.length).fill(Number.NaN);
  }

  /** Works in place: the rows are the pipe's by now. */
  apply(rows: Rows): void {
    for (let row = 0; row < rows.timesNs.length; row++) {
      const at = row * this.channels.length;
      for (let i = 0; i < this.channels.length; i++) this.#check(rows, at + i, i);
      if (this.watchStale && this.#neverMoves(rows, at)) this.#markStale(rows, at);
    }
  }

  #check(rows: Rows, cell: number, i: number): void {
    const value = rows.values[cell]!;
    if (Number.isNaN(value)) {
      if (rows.texts?.[cell] === undefined) rows.quality[cell] = QUALITY.fault;
      return;
    }
    if (!Number.isFinite(value)) {
      rows.values[cell] = Number.NaN;
      rows.quality[cell] = QUALITY.fault;
      return;
    }
    const scale = this.#scales[i]!;
    if (scale > 0) rows.values[cell] = roundTo(value, scale);
    const range = this.channels[i]!.range;
    if (range && (value < range[0] || value > range[1])) {
      rows.quality[cell] = Math.max(rows.quality[cell]!, QUALITY.suspect);
    }
  }

  /** Counts rows in which no measured channel moved; a fault starts anew. */
  #neverMoves(rows: Rows, at: number): boolean {
    let moved = this.#measured.length === 0;
    for (const i of this.#measured) {
      const value = rows.values[at + i]!;
      if (!(value === this.#last[i])) moved = true;
      this.#last[i] = value;
    }
    this.#unchanged = moved ? 0 : this.#unchanged + 1;
    return this.#unchanged >= STALE_AFTER_ROWS;
  }

  #markStale(rows: Rows, at: number): void {
    for (const i of this.#measured) rows.quality[at + i] = Math.max(rows.quality[at + i]!, QUALITY.stale);
  }
}

/** 10^scale for decimals, 1 for whole numbers, 0 where nothing is rounded. */
function scaleOf(type: ChannelType): number {
  if (type.kind === 'decimal') return 10 ** type.scale;
  return type.kind === 'int' || type.kind === 'enum' ? 1 : 0;
}

/** An analogue quantity, which can't stand still for long; counts, codes and texts may. */
function isMeasured(type: ChannelType): boolean {
  return type.kind === 'decimal' || type.kind === 'f64';
}

/** Half away from zero; what is too large to be scaled stays as it is (the codec refuses it by name). */
function roundTo(value: number, scale: number): number {
  const scaled = Math.abs(value) * scale;
  if (scaled > Number.MAX_SAFE_INTEGER) return value;
  return (Math.sign(value) * Math.round(scaled)) / scale + 0;
}
