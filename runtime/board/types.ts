import type {
  Driver,
  DriverDefinition,
  GpioLine,
  I2cBus,
  SerialPort,
  SystemFiles,
  TwinDefinition,
} from '../../drivers/contract/index.js';
import type { PartConfig } from '../config/types.js';
import type { CountedLine } from './counted-line.js';
import type { OnBytes } from './raw-bytes.js';

/** One part opened: its driver over a handle of its own. */
export interface BoardPart {
  readonly config: PartConfig;
  readonly driver: Driver;
  /** `i2c-1 0x76`, `/dev/ttyUSB0`, … */
  readonly where: string;
  /** Which bus it shares: parts with the same key take turns, others don't wait for it. */
  readonly busKey: string;
}

/** All the hardware of a node, opened. */
export interface Board {
  readonly parts: readonly BoardPart[];
  /** Parts that could not be opened now; the sampler tries `reopen` again with back-off. */
  readonly missing: readonly { readonly config: PartConfig; readonly error: Error }[];
  reopen(config: PartConfig): Promise<BoardPart>;
  /** Closes the port or the line that a part holds, and forgets the part; `reopen` opens it anew. A bus stays open for its other parts. */
  release(config: PartConfig): Promise<void>;
  /** One line a bus and line: what was chosen and why. */
  readonly choices: readonly string[];
  /** Tries to free a stuck bus (9 clocks and STOP where the backend can), by bus key; true when it is free again. */
  recover(busKey: string): Promise<boolean>;
  close(): Promise<void>;
}

/** A board whose buses, ports and lines may be looked at beside its parts. */
export interface WiredBoard extends Board {
  readonly wires: Wires;
}

/** The one way to the hardware, for whoever looks at the wiring: by the names of the board file, and closed with the board. */
export interface Wires extends Backend {
  /** What a part holds on a GPIO line now; undefined where it holds none. */
  lineOf(partId: string): CountedLine | undefined;
  /** Closes a port or a line before the board is closed. */
  shut(handle: Closable): Promise<void>;
}

export interface Registry {
  readonly drivers: readonly DriverDefinition[];
  readonly twins: readonly TwinDefinition[];
}

export interface Closable {
  close(): Promise<void>;
}

/** What a backend gives for a name of the board file. */
export interface Backend {
  i2c(bus: string): Promise<I2cBus>;
  serial(part: PartConfig): Promise<SerialPort>;
  /** A port at another rate, or without a part: its bytes as they come. Whoever has the port must have let go of it. */
  rawSerial(port: string, baud: number, onBytes: OnBytes): Promise<SerialPort>;
  gpio(part: PartConfig): Promise<GpioLine>;
  system(): SystemFiles;
}

/** A backend that says what it chose, one line each. */
export interface ChoosingBackend extends Backend {
  readonly choices: readonly string[];
}
