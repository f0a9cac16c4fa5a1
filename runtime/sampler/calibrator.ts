import { type Channel, QUALITY, type Rows } from '../../drivers/contract/index.js';
import type { ChannelCorrection } from '../calibration/index.js';

/** Applies one correction to rows of its stream, in place. It makes nothing: a stream has hundreds of rows a second. */
export class Calibrator {
  readonly #columns: number;
  /** Where the channels stand in a row. */
  readonly #at: Uint8Array;
  readonly #offset: Float64Array;
  readonly #matrix: Float64Array;
  readonly #raw: Float64Array;

  /** Throws where the stream lacks one of its channels. */
  constructor(channels: readonly Channel[], correction: ChannelCorrection) {
    const at = correction.channels.map((name) => channels.findIndex((channel) => channel.name === name));
    if (at.includes(-1)) throw new Error(`${correction.stream} has no ${correction.channels.join(', ')}`);
    this.#columns = channels.length;
    this.#at = Uint8Array.from(at);
    this.#offset = Float64Array.from(correction.offset);
    this.#matrix = Float64Array.from(correction.matrix);
    this.#raw = new Float64Array(at.length);
  }

  /** Each axis comes of all three: one that is absent takes the others along, and the worst quality is that of all. */
  apply(rows: Rows): void {
    for (let from = 0; from < rows.values.length; from += this.#columns) {
      const worst = this.#take(rows, from);
      for (let i = 0; i < this.#at.length; i++) {
        const cell = from + this.#at[i]!;
        rows.quality[cell] = worst;
        rows.values[cell] = worst === QUALITY.fault ? Number.NaN : this.#row(i);
      }
    }
  }

  #take({ values, quality }: Rows, from: number): number {
    let worst: number = QUALITY.good;
    for (let i = 0; i < this.#at.length; i++) {
      const cell = from + this.#at[i]!;
      const raw = values[cell]!;
      this.#raw[i] = raw - this.#offset[i]!;
      worst = Math.max(worst, Number.isFinite(raw) ? quality[cell]! : QUALITY.fault);
    }
    return worst;
  }

  #row(i: number): number {
    const n = this.#at.length;
    let sum = 0;
    for (let j = 0; j < n; j++) sum += this.#matrix[i * n + j]! * this.#raw[j]!;
    return sum;
  }
}
