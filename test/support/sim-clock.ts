import type { RuntimeClock, Timer } from '../../runtime/clock/types.js';

interface Due {
  readonly atNs: bigint;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to go on; timers fire in the order of their times. */
export class SimClock implements RuntimeClock {
  #nowNs = 1_000_000_000n;
  #order = 0;
  readonly #timers = new Set<Due>();

  nowNs(): bigint {
    return this.#nowNs;
  }

  after(ms: number, callback: () => void): Timer {
    const due = { atNs: this.#nowNs + BigInt(Math.round(ms * 1e6)), order: this.#order++, callback };
    this.#timers.add(due);
    return { cancel: () => void this.#timers.delete(due) };
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Goes on by `ms`, firing what falls due; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const untilNs = this.#nowNs + BigInt(Math.round(ms * 1e6));
    await settle();
    for (;;) {
      const next = [...this.#timers].filter((due) => due.atNs <= untilNs).sort(byTime)[0];
      if (!next) break;
      this.#timers.delete(next);
      if (next.atNs > this.#nowNs) this.#nowNs = next.atNs;
      next.callback();
      await settle();
    }
    this.#nowNs = untilNs;
  }

  /** Time passes while nobody runs (a suspend, a blocked loop): timers are late. */
  skip(ms: number): void {
    this.#nowNs += BigInt(Math.round(ms * 1e6));
  }
}

function byTime(a: Due, b: Due): number {
  if (a.atNs !== b.atNs) return a.atNs < b.atNs ? -1 : 1;
  return a.order - b.order;
}

/** Lets promise chains run dry; 20 turns are deeper than any chain here. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
