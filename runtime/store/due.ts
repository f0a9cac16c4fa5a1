import type { StoreDeps } from './options.js';

/** One timer for many wishes: the earliest of them counts. */
export class Due {
  #timer: unknown;
  #atNs = 0n;

  constructor(
    readonly deps: Pick<StoreDeps, 'nowNs' | 'setTimer' | 'clearTimer'>,
    readonly run: () => void,
  ) {}

  /** Run in so many ms, unless it will before. */
  within(ms: number): void {
    const atNs = this.deps.nowNs() + BigInt(Math.round(ms * 1e6));
    if (this.#timer !== undefined && this.#atNs <= atNs) return;
    this.cancel();
    this.#atNs = atNs;
    this.#timer = this.deps.setTimer(() => {
      this.#timer = undefined;
      this.run();
    }, ms);
  }

  cancel(): void {
    if (this.#timer !== undefined) this.deps.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
