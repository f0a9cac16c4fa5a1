/** Exponential back-off with a floor and a ceiling; jitter keeps many parts on one bus from trying in step. */
export class Backoff {
  #tries = 0;

  constructor(
    private readonly minMs: number,
    private readonly maxMs: number,
    private readonly random: () => number,
  ) {}

  /** 0.75 to 1.25 of min · 2^tries, at most max. */
  nextMs(): number {
    const base = Math.min(this.maxMs, this.minMs * 2 ** Math.min(this.#tries, 30));
    this.#tries++;
    return Math.min(this.maxMs, base * (0.75 + this.random() / 2));
  }

  reset(): void {
    this.#tries = 0;
  }
}
