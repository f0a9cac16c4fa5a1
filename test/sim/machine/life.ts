import type { RuntimeClock, Timer } from '../../../runtime/clock/types.js';
import type { SimEvent } from '../kernel/heap.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Boot } from './machine.js';

/** One that all shared would keep whatever ever waited for it: each dead process, with its whole world. */
const never = (): Promise<never> => new Promise(() => undefined);

/** One process: all that it is given goes through here, so that once it is dead nothing of it happens any more. */
export class Life {
  dead = false;
  /** Timers begun: a loop that never rests shows here. */
  timers = 0;

  constructor(
    readonly kernel: Kernel,
    readonly boot: Boot,
    readonly number: number,
  ) {}

  kill(): void {
    this.dead = true;
  }

  /** Calls back after `ms` of the machine's own time. */
  after(ms: number, run: () => void): SimEvent {
    this.timers += 1;
    return this.kernel.after(this.boot.spanNs(ms), () => {
      if (!this.dead) run();
    });
  }

  /** `value` after so much true time; never where the process has died. */
  later<T>(ns: number, value: () => T): Promise<T> {
    if (this.dead) return never();
    return new Promise((resolve, reject) => {
      this.kernel.after(ns, () => {
        if (this.dead) return;
        try {
          const result = value();
          if (!this.dead) resolve(result);
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** At once, as a promise; never where the process has died, be it by `value` itself. */
  now<T>(value: () => T): Promise<T> {
    if (this.dead) return never();
    try {
      const result = value();
      return this.dead ? never() : Promise.resolve(result);
    } catch (error) {
      return this.dead ? never() : Promise.reject(error);
    }
  }

  readonly clock: RuntimeClock = {
    nowNs: () => this.boot.bootNs(),
    delay: (ms) => new Promise((resolve) => void this.after(ms, resolve)),
    after: (ms, callback): Timer => {
      const event = this.after(ms, callback);
      return { cancel: () => this.kernel.cancel(event) };
    },
  };
}
