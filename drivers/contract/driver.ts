import type { GenericSchema, InferOutput } from 'valibot';
import type { Clock } from './clock.js';
import type { GpioLine } from './gpio.js';
import type { I2cDevice } from './i2c.js';
import type { Channel, StreamClass } from './quantity.js';
import type { Rows } from './rows.js';
import type { SerialFraming, SerialPort } from './serial.js';
import type { SystemFiles } from './system.js';

/** What a driver is given to own. It shares none of it and opens nothing itself. */
export interface Handles {
  i2c: { readonly device: I2cDevice; readonly clock: Clock };
  gpio: { readonly line: GpioLine; readonly clock: Clock };
  serial: { readonly port: SerialPort; readonly clock: Clock };
  system: { readonly files: SystemFiles; readonly clock: Clock };
}
export type Attachment = keyof Handles;

/** What the part says it is, once it has been asked. */
export interface Identity {
  /** `BME280`, as printed on the part. */
  readonly model: string;
  /** Chip id, revision, firmware or serial number, as the part gives them. */
  readonly details: Readonly<Record<string, string>>;
}

export interface StreamDeclaration {
  /** '' for a part's only or main stream; otherwise a short name: `sky`, `steps`. [a-z][a-z0-9-]{0,15}. */
  readonly name: string;
  readonly class: StreamClass;
  readonly channels: readonly Channel[];
}

/** A part in use. The sampler calls one method at a time; none keeps a timer or retries. */
export interface Driver {
  readonly streams: readonly StreamDeclaration[];
  /** Asks the part what it is. HalError `wrongPart` or `noAcknowledge`/`absent`. Changes nothing. */
  probe(): Promise<Identity>;
  /** Brings the part from any state (just powered, half configured) to the configured one, and reads it back. */
  configure(): Promise<void>;
  /** Polled parts: takes what there is to take now; zero or more rows. `lostConfiguration` when a read-back differs. */
  sample?(): Promise<readonly Rows[]>;
  /** Parts that speak by themselves: rows as they come, until the returned function is called. */
  stream?(emit: (rows: Rows) => void, onError: (error: Error) => void): Promise<() => Promise<void>>;
}

/** All that is known of a kind of part before one is there: what the registry holds. */
export interface DriverDefinition<
  A extends Attachment = Attachment,
  S extends GenericSchema = GenericSchema,
> {
  /** As in a node file: `bme280`. */
  readonly id: string;
  /** As people say it: `Bosch BME280 temperature, humidity, pressure`. */
  readonly title: string;
  readonly attachment: A;
  /** Only for I2C: the addresses it can be strapped to, the usual one first. */
  readonly addresses?: readonly number[];
  /** Only for GPIO: what a line for this part looks like when the node file doesn't say. */
  readonly direction?: 'in' | 'out';
  /** Only for serial. */
  readonly framing?: SerialFraming;
  /** Only for serial: the usual baud rate. */
  readonly baud?: number;
  /** The part's own options in a node file (strict object; each entry with a description). */
  readonly options: S;
  /** What it can be to motion fusion: an accelerometer with a gyroscope, or a magnetometer. */
  readonly feeds?: 'imu' | 'magnetometer';
  /** Polled parts: the usual interval and the shortest one that the part can follow, ms. */
  readonly interval?: { readonly defaultMs: number; readonly minMs: number };
  create(handles: Handles[A], options: InferOutput<S>): Driver;
}

/** Keeps the types of one definition together, and forgets them for the registry. */
export function defineDriver<A extends Attachment, S extends GenericSchema>(
  definition: DriverDefinition<A, S>,
): DriverDefinition<A, S> {
  return definition;
}
