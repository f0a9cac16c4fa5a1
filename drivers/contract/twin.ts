import type { Attachment } from './driver.js';

/**
 * Twins are parts simulated at their own registers, lines or bytes, below the driver: the real driver runs on them. They have
 * no timers: they are asked, and told the time. Faults are knobs that hold until they are turned back.
 */

/** What the world around the twins looks like at a moment; each twin reads the parts that it senses. */
export interface World {
  /** CLOCK_BOOTTIME, ns. */
  readonly timeNs: bigint;
  /** Wall clock of the simulated world, ns since 1970 (a GNSS receiver knows it). */
  readonly utcNs: bigint;
  readonly temperatureCelsius: number;
  readonly pressurePa: number;
  readonly relativeHumidityPercent: number;
  /** In the body's frame, m/s², gravity included: a part lying flat reads [0, 0, +9.81]. */
  readonly specificForceMps2: readonly [number, number, number];
  /** In the body's frame, rad/s. */
  readonly angularRateRadps: readonly [number, number, number];
  /** In the body's frame, tesla. */
  readonly magneticFieldTesla: readonly [number, number, number];
  readonly latitudeDeg: number;
  readonly longitudeDeg: number;
  readonly altitudeM: number;
  readonly speedMps: number;
  readonly courseDeg: number;
  readonly busVoltageV: number;
  readonly currentA: number;
  /** Tags within reach of a reader. */
  readonly tags: readonly { readonly id: string; readonly rssiDbm: number }[];
  /** Whether the contact (button, reed, door) is made. */
  readonly contactActive: boolean;
  /** The world at another moment, for parts that gather by themselves (a FIFO). Where it is absent, they take this one. */
  readonly at?: (timeNs: bigint) => World;
}

/** An I2C part at its registers. Called for one transfer at a time; a thrown HalError is what the bus reports. */
export interface I2cTwin {
  readonly attachment: 'i2c';
  /** A write transfer's bytes (the first is usually the register). Throw HalError('noAcknowledge') to refuse. */
  write(bytes: Uint8Array, world: World): void;
  /** A read transfer of `length` bytes, after whatever the last write selected. */
  read(length: number, world: World): Uint8Array;
  /** Registers as after power-on: what a brown-out does. */
  powerCycle(): void;
  readonly faults: I2cTwinFaults;
}

export interface I2cTwinFaults {
  /** Refuse the address with this probability, 0 to 1. */
  noAcknowledgeProbability: number;
  /** Hold SDA low: the whole bus is stuck until it is clocked free (the twin lets go after `sdaReleaseClocks`). */
  sdaStuck: boolean;
  sdaReleaseClocks: number;
  /** Answer only after this long, ms: the bus may time out. */
  stretchMs: number;
  /** The value never changes any more. */
  frozen: boolean;
}

export function noI2cFaults(): I2cTwinFaults {
  return { noAcknowledgeProbability: 0, sdaStuck: false, sdaReleaseClocks: 9, stretchMs: 0, frozen: false };
}

/** A part on a serial line: bytes it says by itself as time goes by, and its answers to what is written. */
export interface SerialTwin {
  readonly attachment: 'serial';
  /** All bytes said since the last call, up to `world.timeNs`. */
  speak(world: World): Uint8Array;
  /** Bytes from the host. */
  hear(bytes: Uint8Array, world: World): void;
  readonly faults: {
    /** Unplugged: the line is gone. */
    unplugged: boolean;
    /** Says nothing. */
    mute: boolean;
    /** Probability that a byte is flipped, dropped, or doubled on the line. */
    noiseProbability: number;
  };
}

/** A GPIO input's outside: its level at a moment, and the edges since the last call. */
export interface GpioTwin {
  readonly attachment: 'gpio';
  /** Physical levels over time since the last call: times (ns, boot time) of each change, then the level now. */
  changes(world: World): { readonly timesNs: BigInt64Array; readonly level: 0 | 1 };
  /** Told when the runtime drives the line. */
  driven(level: 0 | 1): void;
  readonly faults: {
    /** Extra edges per second, evenly spread: a chattering contact or a broken wire. */
    chatterHz: number;
  };
}

/** Files of a simulated sysfs and proc. */
export interface SystemTwin {
  readonly attachment: 'system';
  read(path: string, world: World): string | undefined;
  list(path: string, world: World): readonly string[] | undefined;
  space(path: string, world: World): { totalBytes: number; freeBytes: number } | undefined;
}

export type Twin = I2cTwin | SerialTwin | GpioTwin | SystemTwin;

/** How the registry makes a part's twin. `random` gives [0, 1), seeded by whoever runs the twins. */
export type TwinFactory = (random: () => number) => Twin;

export interface TwinDefinition {
  readonly id: string;
  readonly attachment: Attachment;
  create: TwinFactory;
}
