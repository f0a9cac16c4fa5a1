/** Exponential back-off with full jitter (Brooker, "Exponential Backoff and Jitter"), never below the minimum. */
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
    const ceiling = Math.min(this.maxMs, this.minMs * 2 ** Math.min(++this.#tries, 30));
    return Math.round(this.minMs + this.random() * Math.max(0, ceiling - this.minMs));
  }

  /** For what retrying makes worse: from half the maximum up. */
  longMs(): number {
    return Math.round((this.maxMs / 2) * (1 + this.random()));
  }

  reset(): void {
    this.#tries = 0;
  }
}
