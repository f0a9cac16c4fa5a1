import { reasonOf } from './error.js';
import type { StoreDeps } from './options.js';

const FIRST_MS = 100;
/** With its jitter under a second: so soon after the disk takes writes again it is used again. */
const LONGEST_MS = 750;

/** Tries again after a failure: 100 ms, doubling up to 750, with up to a quarter of jitter; says the first failure, not each. */
export class Retry {
  #delayMs = FIRST_MS;
  #timer: unknown;
  #said = false;

  constructor(
    readonly deps: StoreDeps,
    readonly again: () => void,
  ) {}

  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Returns the failure's text. */
  failed(error: unknown, what: string): string {
    const reason = reasonOf(error);
    // Its words change from try to try (file numbers are in them): the status has the newest.
    if (!this.#said) this.deps.log('error', `${what}: ${reason}`);
    this.#said = true;
    this.cancel();
    const jitter = Number(this.deps.random64() & 0xffn) / 1024;
    this.#timer = this.deps.setTimer(
      () => {
        this.#timer = undefined;
        this.again();
      },
      this.#delayMs * (1 + jitter),
    );
    this.#delayMs = Math.min(LONGEST_MS, 2 * this.#delayMs);
    return reason;
  }

  succeeded(): void {
    this.cancel();
    this.#delayMs = FIRST_MS;
    this.#said = false;
  }

  cancel(): void {
    if (this.#timer !== undefined) this.deps.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
