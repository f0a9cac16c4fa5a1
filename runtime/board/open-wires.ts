import {
  type GpioLine,
  HalError,
  type I2cBus,
  type SerialPort,
  type SystemFiles,
} from '../../drivers/contract/index.js';
import type { PartConfig } from '../config/types.js';
import { CountedLine, type EdgeCount } from './counted-line.js';
import type { OnBytes } from './raw-bytes.js';
import type { ChoosingBackend, Closable, Wires } from './types.js';

/** All that is open of a backend: buses once for all who use them, ports and lines until they are shut. */
export class OpenWires implements Wires {
  readonly #buses = new Map<string, Promise<I2cBus>>();
  readonly #open = new Set<Closable>();
  readonly #lines = new Map<string, CountedLine>();
  readonly #edges = new Map<string, EdgeCount>();

  #isClosed = false;

  constructor(private readonly backend: ChoosingBackend) {}

  get choices(): readonly string[] {
    return this.backend.choices;
  }

  /** One that cannot be opened is tried anew by the next who asks. */
  i2c(name: string): Promise<I2cBus> {
    const known = this.#buses.get(name);
    if (known) return known;
    const opening = this.backend.i2c(name);
    this.#buses.set(name, opening);
    opening.then(
      (bus) => this.#open.add(bus),
      () => this.#buses.delete(name),
    );
    return opening;
  }

  /** The bus that parts of this key share; undefined where they share none, or it never opened. */
  busOf(busKey: string): Promise<I2cBus> | undefined {
    return busKey.startsWith('i2c:') ? this.#buses.get(busKey.slice('i2c:'.length)) : undefined;
  }

  async serial(part: PartConfig): Promise<SerialPort> {
    return this.#kept(await this.backend.serial(part), part.id);
  }

  async rawSerial(port: string, baud: number, onBytes: OnBytes): Promise<SerialPort> {
    return this.#kept(await this.backend.rawSerial(port, baud, onBytes), port);
  }

  async gpio(part: PartConfig): Promise<GpioLine> {
    const count = this.#edges.get(part.id) ?? { edges: 0, lost: 0 };
    this.#edges.set(part.id, count);
    const line = new CountedLine(await this.backend.gpio(part), count);
    await this.#kept(line, part.id);
    this.#lines.set(part.id, line);
    return line;
  }

  system(): SystemFiles {
    return this.backend.system();
  }

  lineOf(partId: string): CountedLine | undefined {
    return this.#lines.get(partId);
  }

  async shut(handle: Closable): Promise<void> {
    this.#open.delete(handle);
    for (const [id, line] of this.#lines) if (line === handle) this.#lines.delete(id);
    await handle.close();
  }

  /** Closes everything, whatever fails on the way; the first failure is thrown at the end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const handles = [...this.#open];
    this.#open.clear();
    const results = await Promise.allSettled(handles.map((handle) => handle.close()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** What opens too late is closed at once: nobody else would. */
  async #kept<T extends Closable>(handle: T, where: string): Promise<T> {
    if (this.#isClosed) {
      await handle.close();
      throw new HalError('invalid', where, 'the board is closed');
    }
    this.#open.add(handle);
    return handle;
  }
}
