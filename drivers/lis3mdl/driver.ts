import * as v from 'valibot';
import {
  type Clock,
  checkId,
  type Driver,
  decimalFor,
  defineDriver,
  HalError,
  hexByte,
  type I2cDevice,
  type Identity,
  lostConfiguration,
  QUALITY,
  type Rows,
  resetByBit,
  type StreamDeclaration,
} from '../contract/index.js';
import { fieldScale, isBeyond, parseField } from './conversion.js';
import {
  ADDRESSES,
  AUTO_INCREMENT,
  CTRL_REG2,
  CTRL_REG4_BYTE,
  CTRL_REG5,
  ctrlReg1Byte,
  ctrlReg2Byte,
  DATA_RATES,
  ID,
  MODE,
  RANGES_GAUSS,
  type RangeGauss,
  REGISTER,
  STATUS,
} from './registers.js';

const options = v.strictObject({
  dataRateHz: v.optional(
    v.pipe(
      v.picklist(DATA_RATES, 'one of 0.625, 1.25, 2.5, 5, 10, 20, 40, 80 is wanted'),
      v.description(
        'Measurements a second that the part makes; more often than it is read, so that each reading is new.',
      ),
    ),
    20,
  ),
  rangeGauss: v.optional(
    v.pipe(
      v.picklist(RANGES_GAUSS, 'one of 4, 8, 12, 16 is wanted'),
      v.description("Full scale in gauss either way. The earth's field is about 0.5 gauss."),
    ),
    4,
  ),
});
type Options = v.InferOutput<typeof options>;

const RESET = { register: REGISTER.ctrlReg2, bit: CTRL_REG2.softRst, waitMs: 2, waits: 5 };
const BURST_BYTES = REGISTER.outZH - REGISTER.ctrlReg1 + 1;

function streams(range: RangeGauss): readonly StreamDeclaration[] {
  const resolution = fieldScale(range);
  const channels = ['fieldX', 'fieldY', 'fieldZ'].map((name) => ({
    name,
    quantity: 'magneticFluxDensity' as const,
    type: decimalFor(resolution),
    resolution,
    range: [-range * 1e-4, range * 1e-4] as const,
  }));
  return [{ name: '', class: 'bulk', channels }];
}

class Lis3mdl implements Driver {
  readonly streams: readonly StreamDeclaration[];
  readonly #device: I2cDevice;
  readonly #clock: Clock;
  readonly #range: RangeGauss;
  /** CTRL_REG1 to CTRL_REG5. */
  readonly #wanted: Uint8Array;
  #configured = false;

  constructor(device: I2cDevice, clock: Clock, o: Options) {
    this.streams = streams(o.rangeGauss);
    this.#device = device;
    this.#clock = clock;
    this.#range = o.rangeGauss;
    this.#wanted = Uint8Array.of(
      ctrlReg1Byte(o.dataRateHz),
      ctrlReg2Byte(o.rangeGauss),
      MODE.continuous,
      CTRL_REG4_BYTE,
      CTRL_REG5.bdu,
    );
  }

  async probe(): Promise<Identity> {
    const [id] = await this.#device.readRegisters(REGISTER.whoAmI, 1);
    checkId(this.#device.where, ID, id!);
    return { model: ID.model, details: { whoAmI: hexByte(id!) } };
  }

  async configure(): Promise<void> {
    this.#configured = false;
    await resetByBit(this.#device, this.#clock, RESET);
    // CTRL_REG3 starts the measurements, so it comes last.
    for (const register of [0, 1, 3, 4, 2])
      await this.#write(REGISTER.ctrlReg1 + register, this.#wanted[register]!);
    const length = this.#wanted.length;
    this.#checkConfiguration(await this.#device.readRegisters(REGISTER.ctrlReg1 | AUTO_INCREMENT, length));
    this.#configured = true;
  }

  /** Configuration, status and data come in one burst, so that a value is never told under a wrong scale. */
  async sample(): Promise<readonly Rows[]> {
    if (!this.#configured) {
      throw new HalError('invalid', this.#device.where, 'sampled before it was configured');
    }
    const burst = await this.#device.readRegisters(REGISTER.ctrlReg1 | AUTO_INCREMENT, BURST_BYTES);
    const timesNs = BigInt64Array.of(this.#clock.nowNs());
    this.#checkConfiguration(burst);
    if (!(burst[REGISTER.statusReg - REGISTER.ctrlReg1]! & STATUS.zyxda)) {
      throw new HalError('notReady', this.#device.where, 'no new measurement since the last reading', {
        hint: 'read it less often, or raise dataRateHz',
      });
    }
    const counts = parseField(burst.subarray(REGISTER.outXL - REGISTER.ctrlReg1));
    const scale = fieldScale(this.#range);
    const quality = counts.map((count) => (isBeyond(count, this.#range) ? QUALITY.suspect : QUALITY.good));
    const values = Float64Array.from(counts, (count) => count * scale);
    return [{ stream: '', timesNs, values, quality: Uint8Array.from(quality) }];
  }

  #checkConfiguration(registers: Uint8Array): void {
    if (this.#wanted.every((value, i) => registers[i] === value)) return;
    this.#configured = false;
    throw lostConfiguration(this.#device.where);
  }

  #write(register: number, value: number): Promise<void> {
    return this.#device.writeRegisters(register, Uint8Array.of(value));
  }
}

export const lis3mdl = defineDriver({
  id: 'lis3mdl',
  title: 'ST LIS3MDL magnetometer',
  attachment: 'i2c',
  addresses: ADDRESSES,
  feeds: 'magnetometer',
  options,
  interval: { defaultMs: 250, minMs: 20 },
  create: ({ device, clock }, o) => new Lis3mdl(device, clock, o),
});
