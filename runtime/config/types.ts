import type { Attachment, DriverDefinition, GpioBias, StreamClass } from '../../drivers/contract/index.js';

/** Where a thing was said: for every error and for the console. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** What one SBC model has, as DATA; keys are the names that node files use. */
export interface BoardConfig {
  readonly name: string;
  readonly title: string;
  /** `linux`: real devices. `twin`: every part is its twin. */
  readonly kind: 'linux' | 'twin';
  readonly i2c: Readonly<Record<string, I2cBusConfig>>;
  readonly serial: Readonly<Record<string, SerialPortConfig>>;
  readonly gpio: Readonly<Record<string, GpioLineConfig>>;
  /** Lights by their names below /sys/class/leds, the one to blink first; absent where nobody knows of any. */
  readonly leds?: readonly string[];
  /** `auto`: the character device where there is one, else sysfs through onoff. */
  readonly gpioBackend: 'auto' | 'cdev' | 'onoff';
}

export interface I2cBusConfig {
  /** `/dev/i2c-1`; on a twin board absent, or `unix:/path`: twins served by another process. */
  readonly device?: string;
  /** Header pins it occupies. */
  readonly pins: readonly number[];
  /** Bound of one transfer, ms. */
  readonly timeoutMs: number;
  /** The line that switches its parts' power (active: on), cut where no clock frees a stuck bus. */
  readonly supply?: { readonly line: string; readonly activeLow: boolean };
}

export interface SerialPortConfig {
  /** Stable path: `/dev/serial/by-id/…` or `/dev/ttyAMA0`; on a twin board absent, or a pty's path. */
  readonly device?: string;
  readonly pins: readonly number[];
}

export interface GpioLineConfig {
  /** Chips by label, the first that exists is used; on a twin board empty. */
  readonly chipLabels: readonly string[];
  /** Names that this line goes by in the kernel, tried in order. */
  readonly lineNames: readonly string[];
  /** Its number on that chip, where the kernel gives lines no names. */
  readonly offset?: number;
  readonly pin?: number;
}

/** Where one part hangs. */
export type AttachmentConfig =
  | { readonly kind: 'i2c'; readonly bus: string; readonly address: number }
  | { readonly kind: 'serial'; readonly port: string; readonly baud: number }
  | {
      readonly kind: 'gpio';
      readonly line: string;
      readonly activeLow: boolean;
      readonly bias: GpioBias;
      readonly debounceUs: number;
    }
  | { readonly kind: 'system' };

export interface PartConfig {
  /** Its key in the node file, the stem of its streams' names. */
  readonly id: string;
  readonly title: string;
  readonly driver: DriverDefinition<Attachment>;
  readonly attachment: AttachmentConfig;
  /** Checked by the driver's own schema, parsed. */
  readonly options: unknown;
  /** Absent on parts that speak by themselves. */
  readonly intervalMs?: number;
  /** `when: still`: the interval while the node doesn't move. */
  readonly slow?: { readonly when: 'still'; readonly intervalMs: number };
  /** Overrides the driver's class, of all the part's streams. */
  readonly class?: StreamClass;
  /** False: its rows feed fusion only and are not stored. */
  readonly keep: boolean;
  /** Its rows are committed within a second, and go before a backlog. */
  readonly live?: boolean;
  readonly place: Place;
}

export interface FusionConfig {
  /** Ids of parts: the accelerometer and gyroscope, and optionally the magnetometer and the GNSS receiver. */
  readonly imu: string;
  readonly magnetometer?: string;
  /** How often orientation is stored; 0: never. */
  readonly orientationIntervalMs: number;
  /** Stillness for so long is the alarm; 0: never. */
  readonly noMotionMs: number;
  readonly shockMps2: number;
}

/** A secret is a file (0600), never a text in YAML. */
export interface SecretFile {
  readonly file: string;
  /** Where the node file names it. */
  readonly place?: Place;
}

export interface FleetCustody {
  /** Files with an Ed25519 public key each (PEM), and where the node file names them. */
  readonly keys: readonly { readonly file: string; readonly place: Place }[];
  readonly receiptDeadlineMs: number;
}

/** Links that a budget of bytes is kept for. */
export interface LinkClass {
  readonly name: string;
  /** The network interfaces it is, by name; `*` stands for any characters. */
  readonly interface: string;
  /** Both ways, headers and TLS included. */
  readonly budgetBytesPerDay: number;
  /** Classes that are thinned where the budget can't carry them and the store fills. */
  readonly thin: readonly ('telemetry' | 'bulk' | 'log')[];
}

export interface UplinkConfig {
  /** mqtt:// or mqtts:// */
  readonly url: string;
  readonly protocol: 'auto' | '5' | '3.1.1';
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: SecretFile;
  readonly username?: string;
  readonly password?: SecretFile;
  readonly payloads: readonly ('packet' | 'senml+json')[];
  /** Custody `fleet`: whose receipts free blocks, and how long a block waits for one. Absent: custody `broker`. */
  readonly fleet?: FleetCustody;
  /** Which blocks of a backlog go first. */
  readonly backlog?: 'oldest' | 'newest';
  /** The first that fits the interface counts; others are free. */
  readonly links?: readonly LinkClass[];
  /** Blocks sent and unanswered at most, 1 to 1000. */
  readonly window: number;
  readonly pubackDeadlineMs: number;
  readonly keepAliveS: number;
  /** Back-off between tries, with full jitter. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

export interface StoreConfig {
  /** The directory of the store. */
  readonly path: string;
  /** All that it may take on the disk. */
  readonly sizeBytes: number;
  /** Shares of the size, by class; the rest of the size is common. */
  readonly quotaPercent: Readonly<Record<StreamClass, number>>;
  readonly commitIntervalMs: number | 'auto';
  /** How far ahead numbers are reserved at least. */
  readonly reserveAheadMs: number;
  /** Rows that wait for the disk at most, bytes. */
  readonly memoryBytes: number;
  readonly flash?: FlashConfig;
  /** Where the node file says what wears the flash. */
  readonly places?: { readonly commit?: Place; readonly flash?: Place };
}

/** The flash that the store lies on, as far as the node file says it. */
export interface FlashConfig {
  readonly sizeBytes?: number;
  /** Program/erase cycles. */
  readonly cycles?: number;
  /** How long it shall last. */
  readonly lifeMs?: number;
}

/** A whole node, checked: nothing in it can be wrong but the world. */
export interface NodeConfig {
  readonly name: string;
  /** The directory with node.key, fleet.pub, owner.pub. */
  readonly identityPath: string;
  readonly board: BoardConfig;
  readonly parts: readonly PartConfig[];
  readonly fusion?: FusionConfig;
  readonly store: StoreConfig;
  readonly uplink?: UplinkConfig;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

export interface ConfigProblem extends Place {
  /** What is wrong. */
  readonly what: string;
  /** What would be right. */
  readonly wanted: string;
}

/** Which configuration runs. `file`: the node file. `good`: one that was applied and confirmed. `safe`: no parts, for it crashed. */
export interface ConfigStatus {
  readonly state: 'file' | 'good' | 'trial' | 'safe';
  /** Of the node file and all that it includes, hex. */
  readonly sha256: string;
  /** Of a trial. */
  readonly minutesLeft?: number;
  /** Why it is safe mode. */
  readonly why?: string;
  /** What became of the last configuration that was applied, or that had to be left. */
  readonly lastOutcome?: {
    readonly what: string;
    readonly why: string;
    readonly sha256: string;
    readonly text: string;
  };
}
