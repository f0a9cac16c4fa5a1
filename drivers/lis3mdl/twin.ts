import type { TwinDefinition, World } from '../contract/index.js';
import { TwinRegisters } from '../contract/twin-registers.js';
import { fieldScale } from './conversion.js';
import {
  AUTO_INCREMENT,
  CTRL_REG2,
  dataRateOf,
  ID,
  MODE,
  MODE_MASK,
  REGISTER,
  RESET_VALUES,
  rangeOf,
  STATUS,
} from './registers.js';

/** Noise in ultra-high performance, half its width (datasheet: 3.2 to 4.1 mgauss RMS), T. */
const NOISE = 5e-7;

class Lis3mdlTwin extends TwinRegisters {
  readonly #random: () => number;
  #increments = false;
  #nextNs: bigint | undefined;

  constructor(random: () => number) {
    super();
    this.#random = random;
    this.powerCycle();
  }

  powerCycle(): void {
    this.registers.fill(0);
    this.registers[REGISTER.whoAmI] = ID.id;
    this.registers.set(RESET_VALUES, REGISTER.ctrlReg1);
    this.#nextNs = undefined;
  }

  protected override point(first: number): void {
    super.point(first);
    this.#increments = (first & AUTO_INCREMENT) !== 0;
  }

  protected override get(register: number): number {
    const value = super.get(register);
    // Reading the data takes the mark of new data off it.
    if (register === REGISTER.outZH) this.registers[REGISTER.statusReg] = 0;
    return value;
  }

  protected step(): void {
    if (this.#increments) this.pointer = (this.pointer + 1) & 0x7f;
  }

  protected set(register: number, value: number, world: World): void {
    if (register === REGISTER.ctrlReg2 && value & CTRL_REG2.softRst) this.powerCycle();
    else if (register >= REGISTER.ctrlReg1 && register <= REGISTER.ctrlReg5) {
      this.registers[register] = value;
      this.#nextNs = world.timeNs + this.#periodNs();
    }
  }

  #periodNs(): bigint {
    return BigInt(Math.round(1e9 / dataRateOf(this.registers[REGISTER.ctrlReg1]!)));
  }

  protected settle(world: World): void {
    const running = (this.registers[REGISTER.ctrlReg3]! & MODE_MASK) === MODE.continuous;
    if (!running || this.#nextNs === undefined || world.timeNs < this.#nextNs) return;
    const period = this.#periodNs();
    const periods = (world.timeNs - this.#nextNs) / period + 1n;
    const unread = (this.registers[REGISTER.statusReg]! & STATUS.zyxda) !== 0;
    const overwritten = unread || periods > 1n;
    this.registers[REGISTER.statusReg] = 0x0f | (overwritten ? 0xf0 : 0);
    const takenNs = this.#nextNs + (periods - 1n) * period;
    this.#nextNs = takenNs + period;
    if (!this.faults.frozen) this.#measure(world.at?.(takenNs) ?? world);
  }

  #measure(world: World): void {
    const scale = fieldScale(rangeOf(this.registers[REGISTER.ctrlReg2]!));
    const view = new DataView(this.registers.buffer);
    for (const [i, field] of world.magneticFieldTesla.entries()) {
      const noisy = field + (this.#random() - 0.5) * 2 * NOISE;
      const count = Math.max(-32768, Math.min(32767, Math.round(noisy / scale)));
      view.setInt16(REGISTER.outXL + 2 * i, count, true);
    }
  }
}

export const lis3mdlTwin: TwinDefinition = {
  id: 'lis3mdl',
  attachment: 'i2c',
  create: (random) => new Lis3mdlTwin(random),
};
