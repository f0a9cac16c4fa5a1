import { gnss } from '../../../drivers/gnss/driver.js';
import { type Framer, native } from '../../../native/index.js';

/** The receiver's framer in C; counts the reads that brought bytes, so that a test can wait for each. */
export class CountingFramer implements Framer {
  readonly #framer = native.createFramer(gnss.framing!.kind, gnss.framing!.maxBytes);
  reads = 0;
  #told: () => void = () => undefined;

  /** Settles with the next read. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#told = resolve;
    });
  }

  get counters() {
    return this.#framer.counters;
  }

  push(chunk: Uint8Array): Uint8Array[] {
    this.reads++;
    this.#told();
    return this.#framer.push(chunk);
  }

  reset(): void {
    this.#framer.reset();
  }
}
