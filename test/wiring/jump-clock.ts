import type { RuntimeClock, Timer } from '../../runtime/clock/types.js';

interface Due {
  readonly atNs: bigint;
  readonly callback: () => void;
}

/** Turns of the loop without work, after which nobody has anything to do but wait. */
const IDLE_TURNS = 5;

/** A clock that jumps to its next timer whenever nothing is left to do before it: long waits take no time, and come in order. */
export class JumpClock implements RuntimeClock {
  #nowNs = 1_000_000_000n;
  #running = false;
  readonly #timers = new Set<Due>();

  /** `isBusy`: something is under way that no timer waits for; time stands still meanwhile. */
  constructor(private readonly isBusy: () => boolean) {}

  nowNs(): bigint {
    return this.#nowNs;
  }

  after(ms: number, callback: () => void): Timer {
    const due = { atNs: this.#nowNs + BigInt(Math.round(ms * 1e6)), callback };
    this.#timers.add(due);
    if (!this.#running) void this.#run();
    return { cancel: () => void this.#timers.delete(due) };
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#timers.size > 0) {
      await this.#idle();
      const [next] = [...this.#timers].sort((a, b) => Number(a.atNs - b.atNs));
      if (!next) break;
      this.#timers.delete(next);
      this.#nowNs = next.atNs;
      next.callback();
    }
    this.#running = false;
  }

  async #idle(): Promise<void> {
    for (let turns = 0; turns < IDLE_TURNS; turns = this.isBusy() ? 0 : turns + 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
