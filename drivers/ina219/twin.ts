import { type I2cTwin, noI2cFaults, type TwinDefinition, type World } from '../contract/index.js';
import { BUS_LSB_V, SHUNT_LSB_V } from './conversion.js';
import {
  AVERAGING,
  BUS_VOLTAGE,
  CONFIGURATION,
  CONFIGURATION_RESET_VALUE,
  REGISTER,
  SHUNT_RANGES_V,
} from './registers.js';

/** The resistor on the twin's board: R100, as on most breakouts. */
const SHUNT_OHMS = 0.1;
/** §7.5: one 12-bit conversion, typical; the coarser ones are not told apart. */
const CONVERSION_NS = 532_000;
/** Half the width of the noise: the last count is never quite still. */
const NOISE_SHUNT_V = 15e-6;
const NOISE_BUS_V = 0.003;

class Ina219Twin implements I2cTwin {
  readonly attachment = 'i2c';
  readonly faults = noI2cFaults();
  readonly #random: () => number;
  readonly #registers = new Uint16Array(6);
  #pointer = 0;
  #nextNs: bigint | undefined;

  constructor(random: () => number) {
    this.#random = random;
    this.powerCycle();
  }

  powerCycle(): void {
    this.#registers.fill(0);
    this.#registers[REGISTER.configuration] = CONFIGURATION_RESET_VALUE;
    this.#nextNs = undefined;
  }

  /** §8.5.6: the pointer, then the two bytes of one register. */
  write(bytes: Uint8Array, world: World): void {
    this.#settle(world);
    this.#pointer = bytes[0]! & 0b111;
    if (bytes.length < 3) return;
    const word = (bytes[1]! << 8) | bytes[2]!;
    if (this.#pointer === REGISTER.calibration) this.#registers[REGISTER.calibration] = word & ~1;
    if (this.#pointer !== REGISTER.configuration) return;
    if (word & CONFIGURATION.reset) this.powerCycle();
    else {
      this.#registers[REGISTER.configuration] = word & ~CONFIGURATION.unused;
      this.#registers[REGISTER.busVoltage]! &= ~BUS_VOLTAGE.conversionReady;
    }
    this.#nextNs = world.timeNs + this.#periodNs();
  }

  /** §8.5.6: the pointer doesn't step, the same register comes again. */
  read(length: number, world: World): Uint8Array {
    this.#settle(world);
    const word = this.#registers[this.#pointer] ?? 0;
    if (this.#pointer === REGISTER.power) {
      this.#registers[REGISTER.busVoltage]! &= ~BUS_VOLTAGE.conversionReady;
    }
    return Uint8Array.from({ length }, (_, i) => (i % 2 === 0 ? word >> 8 : word & 0xff));
  }

  #periodNs(): bigint {
    const configuration = this.#registers[REGISTER.configuration]!;
    const samples = (adc: number): number => (adc & 0b1000 ? (AVERAGING[adc & 0b111] ?? 1) : 1);
    const conversions = samples((configuration >> 7) & 0b1111) + samples((configuration >> 3) & 0b1111);
    return BigInt(conversions * CONVERSION_NS);
  }

  #settle(world: World): void {
    const period = this.#periodNs();
    this.#nextNs ??= world.timeNs + period;
    const mode = this.#registers[REGISTER.configuration]! & 0b111;
    if (mode !== CONFIGURATION.modeShuntAndBusContinuous || world.timeNs < this.#nextNs) return;
    this.#nextNs += ((world.timeNs - this.#nextNs) / period + 1n) * period;
    if (this.faults.frozen && this.#registers[REGISTER.busVoltage] !== 0) {
      this.#registers[REGISTER.busVoltage]! |= BUS_VOLTAGE.conversionReady;
    } else this.#convert(world);
  }

  #convert(world: World): void {
    const configuration = this.#registers[REGISTER.configuration]!;
    const noise = (width: number): number => (this.#random() - 0.5) * 2 * width;
    const range = Math.round(SHUNT_RANGES_V[(configuration >> 11) & 0b11]! / SHUNT_LSB_V);
    const volts = world.currentA * SHUNT_OHMS + noise(NOISE_SHUNT_V);
    const shunt = Math.max(-range, Math.min(range, Math.round(volts / SHUNT_LSB_V)));
    const fullScale = configuration & CONFIGURATION.bus32V ? 8000 : 4000;
    const bus = Math.max(
      0,
      Math.min(fullScale, Math.round((world.busVoltageV + noise(NOISE_BUS_V)) / BUS_LSB_V)),
    );
    // §8.5.1, equations 4 and 5.
    const current = Math.trunc((shunt * this.#registers[REGISTER.calibration]!) / 4096);
    const power = Math.trunc((Math.abs(current) * bus) / 5000);
    const overflow = Math.abs(current) > 32767 || power > 0xffff;
    this.#registers[REGISTER.shuntVoltage] = shunt;
    this.#registers[REGISTER.current] = current;
    this.#registers[REGISTER.power] = power;
    this.#registers[REGISTER.busVoltage] =
      (bus << 3) | BUS_VOLTAGE.conversionReady | (overflow ? BUS_VOLTAGE.overflow : 0);
  }
}

export const ina219Twin: TwinDefinition = {
  id: 'ina219',
  attachment: 'i2c',
  create: (random) => new Ina219Twin(random),
};
