import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Clock,
  HalError,
  type I2cBus,
  type I2cTwin,
  i2cDevice,
  i2cWhere,
  type World,
} from '../../drivers/contract/index.js';

/** A clock that moves only when somebody waits on it. */
export class FakeClock implements Clock {
  timeNs = 1_000_000_000_000n;
  nowNs(): bigint {
    return this.timeNs;
  }
  async delay(ms: number): Promise<void> {
    this.advanceMs(ms);
  }
  advanceMs(ms: number): void {
    this.timeNs += BigInt(Math.round(ms * 1e6));
  }
}

export type Surroundings = Partial<Omit<World, 'timeNs' | 'utcNs'>>;

/** A world in which nothing moves but what is given. */
export function world(timeNs: bigint, around: Surroundings = {}): World {
  return {
    timeNs,
    utcNs: 1_790_000_000_000_000_000n + timeNs,
    temperatureCelsius: 21.5,
    pressurePa: 100_250,
    relativeHumidityPercent: 47,
    specificForceMps2: [0, 0, 9.80665],
    angularRateRadps: [0, 0, 0],
    magneticFieldTesla: [2e-5, 0, -4e-5],
    latitudeDeg: 47,
    longitudeDeg: 8,
    altitudeM: 400,
    speedMps: 0,
    courseDeg: 0,
    busVoltageV: 12,
    currentA: 0.5,
    tags: [],
    contactActive: false,
    ...around,
  };
}

/** A part's bytes as the bus sees them: the two transfers of I2C, or a refusal. */
export interface BusPart {
  write(bytes: Uint8Array): void;
  read(length: number): Uint8Array;
}

/** Every transfer as it was made, for tests that look at what a driver said. */
export interface Transfer {
  readonly address: number;
  readonly kind: 'read' | 'write' | 'readRegisters' | 'writeRegisters';
  readonly register?: number;
  readonly bytes: Uint8Array;
}

export class TestBus implements I2cBus {
  readonly name = 'i2c-test';
  readonly transfers: Transfer[] = [];
  /** Asked before each transfer: true refuses it, as if the part had let go of the bus in the middle of a sequence. */
  refuse: (transfer: number) => boolean = () => false;
  readonly #parts: Readonly<Record<number, BusPart>>;

  constructor(parts: Readonly<Record<number, BusPart>>) {
    this.#parts = parts;
  }

  device(address: number) {
    return i2cDevice(this, address);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    this.#bound(length, 32);
    const bytes = this.#part(address).read(length);
    this.transfers.push({ address, kind: 'read', bytes });
    return bytes;
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    this.#bound(bytes.length, 32);
    this.#part(address).write(bytes);
    this.transfers.push({ address, kind: 'write', bytes });
  }

  async readRegisters(address: number, register: number, length: number): Promise<Uint8Array> {
    this.#bound(length, 32);
    const part = this.#part(address);
    part.write(Uint8Array.of(register));
    const bytes = part.read(length);
    this.transfers.push({ address, kind: 'readRegisters', register, bytes });
    return bytes;
  }

  async writeRegisters(address: number, register: number, bytes: Uint8Array): Promise<void> {
    this.#bound(bytes.length, 31);
    this.#part(address).write(Uint8Array.of(register, ...bytes));
    this.transfers.push({ address, kind: 'writeRegisters', register, bytes });
  }

  async close(): Promise<void> {}

  #bound(length: number, most: number): void {
    if (length < 1 || length > most)
      throw new HalError('invalid', this.name, `${length} bytes in one transfer`);
  }

  #part(address: number): BusPart {
    const part = this.#parts[address];
    if (part && !this.refuse(this.transfers.length)) return part;
    throw new HalError('noAcknowledge', i2cWhere(this.name, address), 'nobody answered');
  }
}

/** A part that is nothing but registers of one byte: serves what it is given, keeps what is written, and steps by itself. */
export class RegisterMap implements BusPart {
  readonly bytes = new Uint8Array(256);
  #pointer = 0;

  set(register: number, bytes: Iterable<number>): this {
    this.bytes.set([...bytes], register);
    return this;
  }

  write([register, ...values]: Uint8Array): void {
    this.#pointer = register!;
    this.bytes.set(values, register);
  }

  read(length: number): Uint8Array {
    return this.bytes.slice(this.#pointer, this.#pointer + length);
  }
}

/** Twins on a bus; `around` says what the world is like at a moment. */
export function twinBus(
  twins: Readonly<Record<number, I2cTwin>>,
  clock: FakeClock,
  around: (timeNs: bigint) => Surroundings = () => ({}),
): TestBus {
  const at = (timeNs: bigint): World => ({ ...world(timeNs, around(timeNs)), at });
  const now = (): World => at(clock.timeNs);
  const part = (twin: I2cTwin): BusPart => ({
    write: (bytes) => twin.write(bytes, now()),
    read: (length) => twin.read(length, now()),
  });
  return new TestBus(
    Object.fromEntries(Object.entries(twins).map(([address, twin]) => [Number(address), part(twin)])),
  );
}

/** Where data recorded on real hardware lies; it is read in place and never copied. */
export const REAL_DATA = process.env.CAIRN_REAL_DATA ?? join(process.cwd(), '..', 'shared', 'data');

/** For a test's `skip`: false where the file is there, otherwise the reason. */
export function realDataAbsent(file: string): string | false {
  return existsSync(join(REAL_DATA, file)) ? false : `real data absent: ${join(REAL_DATA, file)}`;
}

export const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
