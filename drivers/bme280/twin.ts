import { type I2cTwin, noI2cFaults, type TwinDefinition, type World } from '../contract/index.js';
import {
  type Calibration,
  compensateHumidity,
  compensatePressure,
  compensateTemperature,
  parseCalibration,
  tFine,
} from './conversion.js';
import {
  ID,
  MODE,
  MODE_MASK,
  measurementTimeTypicalMs,
  NO_DATA_16_BIT,
  NO_DATA_20_BIT,
  OVERSAMPLING,
  REGISTER,
  RESET_COMMAND,
  STARTUP_MS,
  STATUS,
} from './registers.js';

/** dig_T and dig_P of the example in BST-BMP280-DS001 §3.12; dig_H as read from a part. */
const CALIB00 = Uint8Array.of(
  ...[0x70, 0x6b, 0x43, 0x67, 0x18, 0xfc, 0x7d, 0x8e, 0x43, 0xd6, 0xd0, 0x0b, 0x27],
  ...[0x0b, 0x8c, 0x00, 0xf9, 0xff, 0x8c, 0x3c, 0xf8, 0xc6, 0x70, 0x17, 0x00, 0x4b],
);
const CALIB26 = Uint8Array.of(0x69, 0x01, 0x00, 0x14, 0x24, 0x03, 0x1e);

/** Noise at oversampling 1, half its width (of the order of §1.2 to §1.4): a real part's last digits are never still. */
const NOISE = { temperatureCelsius: 0.005, pressurePa: 3, relativeHumidityPercent: 0.02 };

interface Counts {
  readonly pressure: number;
  readonly temperature: number;
  readonly humidity: number;
}
const NO_COUNTS: Counts = { pressure: NO_DATA_20_BIT, temperature: NO_DATA_20_BIT, humidity: NO_DATA_16_BIT };

/** The count at which a rising function comes nearest to the wanted value. */
function invert(rising: (raw: number) => number, wanted: number, maximum: number): number {
  let [low, high] = [0, maximum];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (rising(middle) <= wanted) low = middle;
    else high = middle;
  }
  return wanted - rising(low) <= rising(high) - wanted ? low : high;
}

function counts(c: Calibration, temperature: number, pressure: number, humidity: number): Counts {
  const rawTemperature = invert((raw) => compensateTemperature(raw, c), temperature, 0xfffff);
  const fine = tFine(rawTemperature, c);
  return {
    temperature: rawTemperature,
    // The pressure's counts fall as the pressure rises.
    pressure: invert((raw) => -(compensatePressure(raw, fine, c) ?? 0), -pressure, 0xfffff),
    humidity: invert((raw) => compensateHumidity(raw, fine, c), humidity, 0xffff),
  };
}

/** §3.4: without the filter, each of the 20 bits beyond 16 takes a doubling of the oversampling. */
function cut(raw: number, code: number, filtered: boolean): number {
  const dropped = filtered ? 0 : Math.max(0, 5 - code);
  return (raw >> dropped) << dropped;
}

class Bme280Twin implements I2cTwin {
  readonly attachment = 'i2c';
  readonly faults = noI2cFaults();
  readonly #random: () => number;
  readonly #calibration = parseCalibration(CALIB00, CALIB26);
  readonly #registers = new Uint8Array(256);
  #pointer = 0;
  #bootedAtNs: bigint | undefined;
  #shown = NO_COUNTS;
  #pending: { readonly counts: Counts; readonly doneAtNs: bigint } | undefined;

  constructor(random: () => number) {
    this.#random = random;
    this.powerCycle();
  }

  powerCycle(): void {
    this.#registers.fill(0);
    this.#registers.set(CALIB00, REGISTER.calib00);
    this.#registers.set(CALIB26, REGISTER.calib26);
    this.#registers[REGISTER.id] = ID.id;
    this.#bootedAtNs = undefined;
    this.#pending = undefined;
    this.#shown = NO_COUNTS;
  }

  /** §6.2.1: the register, then register and value in turn: writing doesn't step the address by itself. */
  write(bytes: Uint8Array, world: World): void {
    this.#settle(world);
    this.#pointer = bytes[0] ?? this.#pointer;
    for (let i = 1; i < bytes.length; i += 2) {
      this.#set(bytes[i - 1]!, bytes[i]!, world);
    }
  }

  read(length: number, world: World): Uint8Array {
    this.#settle(world);
    const start = this.#pointer;
    this.#pointer = (start + length) & 0xff;
    return Uint8Array.from({ length }, (_, i) => this.#registers[(start + i) & 0xff]!);
  }

  #set(register: number, value: number, world: World): void {
    if (register === REGISTER.reset && value === RESET_COMMAND) {
      this.powerCycle();
      this.#bootedAtNs = world.timeNs;
      this.#settle(world);
    } else if (register === REGISTER.ctrlHum) this.#registers[register] = value & 0b111;
    else if (register === REGISTER.config) this.#registers[register] = value;
    else if (register === REGISTER.ctrlMeas) {
      this.#registers[register] = value;
      if ((value & MODE_MASK) !== MODE.sleep) this.#measure(world);
    }
  }

  #oversampling(code: number): number {
    return OVERSAMPLING[Math.min(code, OVERSAMPLING.length) - 1] ?? 0;
  }

  #measure(world: World): void {
    const ctrlMeas = this.#registers[REGISTER.ctrlMeas]!;
    const [t, p, h] = [ctrlMeas >> 5, (ctrlMeas >> 2) & 0b111, this.#registers[REGISTER.ctrlHum]!];
    const filtered = (this.#registers[REGISTER.config]! & 0b11100) !== 0;
    const noise = (width: number): number => (this.#random() - 0.5) * 2 * width;
    const fresh = counts(
      this.#calibration,
      world.temperatureCelsius + noise(NOISE.temperatureCelsius),
      world.pressurePa + noise(NOISE.pressurePa),
      world.relativeHumidityPercent + noise(NOISE.relativeHumidityPercent),
    );
    const ms = measurementTimeTypicalMs(this.#oversampling(t), this.#oversampling(p), this.#oversampling(h));
    this.#pending = {
      counts: {
        temperature: t === 0 ? NO_DATA_20_BIT : cut(fresh.temperature, t, filtered),
        pressure: p === 0 ? NO_DATA_20_BIT : cut(fresh.pressure, p, filtered),
        humidity: h === 0 ? NO_DATA_16_BIT : fresh.humidity,
      },
      doneAtNs: world.timeNs + BigInt(Math.round(ms * 1e6)),
    };
  }

  /** Brings the registers to the present moment. */
  #settle(world: World): void {
    this.#bootedAtNs ??= world.timeNs - BigInt(STARTUP_MS) * 1_000_000n;
    const copying = world.timeNs < this.#bootedAtNs + 1_000_000n;
    if (this.#pending && world.timeNs >= this.#pending.doneAtNs) {
      // Frozen: everything works but the converter, which keeps its last result.
      if (!this.faults.frozen || this.#shown === NO_COUNTS) this.#shown = this.#pending.counts;
      this.#pending = undefined;
      const ctrlMeas = this.#registers[REGISTER.ctrlMeas]!;
      if ((ctrlMeas & MODE_MASK) === MODE.normal) this.#measure(world);
      else this.#registers[REGISTER.ctrlMeas] = ctrlMeas & ~MODE_MASK;
    }
    this.#registers[REGISTER.status] =
      (this.#pending ? STATUS.measuring : 0) | (copying ? STATUS.imUpdate : 0);
    this.#show();
  }

  #show(): void {
    const { pressure: p, temperature: t, humidity: h } = this.#shown;
    const twenty = (raw: number): number[] => [raw >> 12, (raw >> 4) & 0xff, (raw & 0xf) << 4];
    this.#registers.set([...twenty(p), ...twenty(t), h >> 8, h & 0xff], REGISTER.pressMsb);
  }
}

export const bme280Twin: TwinDefinition = {
  id: 'bme280',
  attachment: 'i2c',
  create: (random) => new Bme280Twin(random),
};
