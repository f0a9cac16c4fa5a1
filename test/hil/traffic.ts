import { createRequire } from 'node:module';
import type { I2cBusModule } from '../../runtime/board/linux-i2c.js';

/** The package i2c-bus, counting its transfers and knowing the calls that are under way. */
export class Traffic {
  transfers = 0;
  readonly module: I2cBusModule;
  readonly #calls = new Set<Promise<unknown>>();

  constructor() {
    const real = createRequire(import.meta.url)('i2c-bus') as I2cBusModule;
    const transfer = <T>(start: () => Promise<T>) => {
      this.transfers++;
      return this.#known(start);
    };
    this.module = {
      openPromisified: (busNumber) =>
        this.#known(async () => {
          const bus = await real.openPromisified(busNumber);
          return {
            i2cRead: (...args) => transfer(() => bus.i2cRead(...args)),
            i2cWrite: (...args) => transfer(() => bus.i2cWrite(...args)),
            readI2cBlock: (...args) => transfer(() => bus.readI2cBlock(...args)),
            writeI2cBlock: (...args) => transfer(() => bus.writeI2cBlock(...args)),
            close: () => this.#known(() => bus.close()),
          };
        }),
    };
  }

  /** Until no call has been under way for so many turns of the loop. */
  async quiet(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#calls.size === 0) continue;
      await Promise.allSettled(this.#calls);
      turn = 0;
    }
  }

  async #known<T>(start: () => Promise<T>): Promise<T> {
    const call = start();
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }
}
