import { tickNs } from './registers.js';

/**
 * Puts the part's ticks on the host's clock. The part's timestamp is read between two looks at the host's clock, so the offset
 * between the clocks lies between two known bounds: the offset in use is kept while it lies there, and moved to the nearer bound
 * otherwise. Late reads can't shift times, the part's oscillator can't drift away, and no sample is later than its read.
 */
export class PartTime {
  readonly #tickNs: number;
  #lastRaw: number | undefined;
  #ticks = 0;
  #offsetNs: bigint | undefined;
  #lastNs = 0n;

  /** `freqFine`: INTERNAL_FREQ_FINE as a signed number. */
  constructor(freqFine: number) {
    this.#tickNs = tickNs(freqFine);
  }

  /** The part's timestamp read between `beforeNs` and `afterNs`. */
  observe(raw: number, beforeNs: bigint, afterNs: bigint): void {
    this.#ticks += this.#lastRaw === undefined ? 0 : (raw - this.#lastRaw) >>> 0; // 32 bits wrap after 29.8 hours
    this.#lastRaw = raw;
    const partNs = this.#ns(this.#ticks);
    const [low, high] = [beforeNs - partNs, afterNs - partNs];
    if (this.#offsetNs === undefined || this.#offsetNs > high) this.#offsetNs = high;
    else if (this.#offsetNs < low) this.#offsetNs = low;
  }

  /** When a sample with this timestamp was taken, ns. Call in the order of the samples, after `observe`: never decreases. */
  hostNs(tick: number): bigint {
    const age = Math.max(0, ((this.#lastRaw ?? tick) - tick) | 0);
    const ns = this.#ns(this.#ticks - age) + (this.#offsetNs ?? 0n);
    this.#lastNs = ns > this.#lastNs ? ns : this.#lastNs;
    return this.#lastNs;
  }

  #ns(ticks: number): bigint {
    return BigInt(Math.round(ticks * this.#tickNs));
  }
}
