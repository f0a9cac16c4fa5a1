import type { GpioLine } from '../../drivers/contract/index.js';
import type { After } from './deps.js';

/** Long enough for what holds a charge to lose it, and for a part to start. */
const OFF_MS = 500;
const START_MS = 100;
/** A supply is cut no more often than this, whatever its bus does. */
const REST_MS = 30_000;

/** The switch of a bus's supply: what frees a part that no clock frees. */
export class Supply {
  #cancelRest: (() => void) | undefined;

  /** `line` is active where the parts have power. */
  constructor(
    private readonly line: GpioLine,
    private readonly after: After,
    private readonly log: (text: string) => void,
  ) {}

  /** Power for the parts, from the start on. */
  async switchOn(): Promise<void> {
    await this.line.write(1);
  }

  /** Off and on again; false where it was done a moment ago. Rejects where the line can't be driven. */
  async cycle(): Promise<boolean> {
    if (this.#cancelRest) return false;
    this.#cancelRest = this.after(REST_MS, () => {
      this.#cancelRest = undefined;
    });
    this.log(`${this.line.where}: cutting the supply for ${OFF_MS} ms`);
    await this.line.write(0);
    await this.#pause(OFF_MS);
    await this.line.write(1);
    await this.#pause(START_MS);
    return true;
  }

  /** The line keeps its level as far as its chip lets it. */
  async close(): Promise<void> {
    this.#cancelRest?.();
    await this.line.close();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }
}
