import type { Rows } from '../../drivers/contract/index.js';
import { type Axes, copyVector } from './columns.js';

/** A sample that finds no partner for so long is too old to say where north is. */
const FRESH_NS = 500_000_000n;
/** Waiting samples; the oldest goes first. */
const WAITING_MAX = 256;

interface FieldSample {
  readonly timeNs: bigint;
  readonly vector: Float64Array;
}

/**
 * The magnetometer's samples until the inertial samples of their time come. Each is used once, at the first inertial sample that isn't
 * before it: holding it any longer would pull the heading back while the body turns.
 */
export class FieldSamples {
  #waiting: FieldSample[] = [];
  #lastNs: bigint | undefined;

  take(rows: Rows, axes: Axes): void {
    for (const [row, timeNs] of rows.timesNs.entries()) {
      const vector = new Float64Array(3);
      copyVector(rows, row, axes, vector, 0);
      if (Number.isFinite(vector[0])) this.#waiting.push({ timeNs, vector });
    }
    if (this.#waiting.length > WAITING_MAX) this.#waiting = this.#waiting.slice(-WAITING_MAX);
  }

  /** Writes each sample beside its inertial sample, NaN elsewhere. Samples from after the last one wait on. */
  place(timesNs: BigInt64Array, out: Float64Array): void {
    out.fill(Number.NaN);
    let next = 0;
    for (const [row, timeNs] of timesNs.entries()) {
      for (; next < this.#waiting.length && this.#waiting[next]!.timeNs <= timeNs; next++) {
        const sample = this.#waiting[next]!;
        if (timeNs - sample.timeNs > FRESH_NS) continue;
        out.set(sample.vector, 3 * row);
        this.#lastNs = sample.timeNs;
      }
    }
    this.#waiting.splice(0, next);
  }

  /** Whether a sample of the last half second has been used. */
  isFresh(timeNs: bigint): boolean {
    return this.#lastNs !== undefined && timeNs - this.#lastNs <= FRESH_NS;
  }
}
