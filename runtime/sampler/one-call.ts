import { HalError } from '../../drivers/contract/index.js';
import type { RuntimeClock } from '../clock/types.js';

/** Calls one thing at a time: one that hangs is given up, and nothing else is called until it has come back. */
export class OneCall {
  #hanging = false;

  constructor(
    private readonly clock: RuntimeClock,
    private readonly deadlineMs: number,
  ) {}

  /** Rejects with HalError `timeout` at the deadline, and at once while an earlier call hangs. */
  run<T>(where: string, call: () => Promise<T>): Promise<T> {
    if (this.#hanging) {
      return Promise.reject(new HalError('timeout', where, 'the last call has not come back yet'));
    }
    return new Promise((resolve, reject) => {
      this.#hanging = true;
      const timer = this.clock.after(this.deadlineMs, () =>
        reject(new HalError('timeout', where, `no answer within ${this.deadlineMs} ms`)),
      );
      // Before whoever waits goes on: it may call again at once.
      const back = () => {
        timer.cancel();
        this.#hanging = false;
      };
      // A call that throws before it has a promise has come back as well.
      (async () => call())().then(
        (value) => {
          back();
          resolve(value);
        },
        (error) => {
          back();
          reject(error);
        },
      );
    });
  }
}
