import * as v from 'valibot';
import {
  type Channel,
  type Clock,
  type Driver,
  decimalFor,
  defineDriver,
  HalError,
  type I2cDevice,
  type Identity,
  lostConfiguration,
  oneRow,
  QUALITY,
  type Rows,
  type StreamDeclaration,
} from '../contract/index.js';
import {
  BUS_LSB_V,
  type BusVoltage,
  calibrationFor,
  currentLsbA,
  POWER_PER_CURRENT,
  parseBusVoltage,
  signed16,
} from './conversion.js';
import {
  ADDRESSES,
  AVERAGING,
  BUS_VOLTAGE,
  CONFIGURATION,
  configurationWord,
  conversionTimeMaxMs,
  REGISTER,
  SHUNT_RANGES_V,
  shuntRangeCode,
} from './registers.js';

const options = v.pipe(
  v.strictObject({
    shuntOhms: v.optional(
      v.pipe(
        v.number('a number of ohms is wanted, such as 0.1'),
        v.minValue(0.0001, 'at least 0.0001 ohm is wanted'),
        v.maxValue(10, 'at most 10 ohm is wanted'),
        v.description('The resistor that the current flows through, in ohms: 0.1 (R100) on most breakouts.'),
      ),
      0.1,
    ),
    maxCurrentA: v.optional(
      v.pipe(
        v.number('a number of amperes is wanted, such as 2'),
        v.minValue(0.001, 'at least 0.001 A is wanted'),
        v.maxValue(1000, 'at most 1000 A is wanted'),
        v.description('The largest current expected either way, in amperes: it sets the resolution.'),
      ),
      2,
    ),
    averaging: v.optional(
      v.pipe(
        v.picklist(AVERAGING, 'one of 1, 2, 4, 8, 16, 32, 64, 128 is wanted'),
        v.description('How many conversions make one value.'),
      ),
      32,
    ),
  }),
  v.check(
    ({ shuntOhms, maxCurrentA }) => shuntRangeCode(shuntOhms * maxCurrentA) !== undefined,
    'shuntOhms times maxCurrentA is more than 0.32 V, the most that the part can take: a smaller shunt or current is wanted',
  ),
);
type Options = v.InferOutput<typeof options>;

function streams(currentLsb: number, maxCurrentA: number): readonly StreamDeclaration[] {
  const powerLsb = currentLsb * POWER_PER_CURRENT;
  const channels: Channel[] = [
    {
      name: 'busVoltage',
      quantity: 'voltage',
      type: { kind: 'decimal', scale: 3 },
      resolution: BUS_LSB_V,
      range: [0, 26], // §7.3; the scale itself goes on to 32 V
    },
    {
      name: 'current',
      quantity: 'current',
      type: decimalFor(currentLsb),
      resolution: currentLsb,
      range: [-maxCurrentA, maxCurrentA],
    },
    { name: 'power', quantity: 'power', type: decimalFor(powerLsb), resolution: powerLsb },
  ];
  return [{ name: '', class: 'telemetry', channels }];
}

class Ina219 implements Driver {
  readonly streams: readonly StreamDeclaration[];
  readonly #device: I2cDevice;
  readonly #clock: Clock;
  readonly #configuration: number;
  readonly #calibration: number;
  readonly #currentLsb: number;
  readonly #conversionMs: number;
  /** Where the shunt's own range ends, A. */
  readonly #clippedA: number;
  #configured = false;

  constructor(device: I2cDevice, clock: Clock, o: Options) {
    this.#device = device;
    this.#clock = clock;
    const code = shuntRangeCode(o.shuntOhms * o.maxCurrentA) ?? SHUNT_RANGES_V.length - 1;
    this.#configuration = configurationWord(code, o.averaging);
    this.#calibration = calibrationFor(o.shuntOhms, o.maxCurrentA);
    this.#currentLsb = currentLsbA(this.#calibration, o.shuntOhms);
    this.#conversionMs = conversionTimeMaxMs(o.averaging);
    this.#clippedA = (SHUNT_RANGES_V[code] ?? 0) / o.shuntOhms - this.#currentLsb;
    this.streams = streams(this.#currentLsb, o.maxCurrentA);
  }

  /** There is no identity register: the bits that the datasheet holds at 0 are looked at, in three registers. */
  async probe(): Promise<Identity> {
    const configuration = await this.#read(REGISTER.configuration);
    const calibration = await this.#read(REGISTER.calibration);
    const bus = await this.#read(REGISTER.busVoltage);
    const hex = `0x${configuration.toString(16).padStart(4, '0')}`;
    const impossible =
      configuration & (CONFIGURATION.reset | CONFIGURATION.unused) ||
      calibration & 1 ||
      bus & BUS_VOLTAGE.unused;
    if (impossible) {
      const reads =
        configuration & CONFIGURATION.unused ? 'as an INA226 reads' : 'with bits that an INA219 holds at 0';
      throw new HalError('wrongPart', this.#device.where, `not an INA219: its configuration reads ${hex}`, {
        hint: reads,
        mismatch: { expected: 'INA219 (fixed bits at 0)', found: `configuration ${hex} (${reads})` },
      });
    }
    return { model: 'INA219', details: { configuration: hex, identity: 'by fixed bits: it has no id' } };
  }

  async configure(): Promise<void> {
    this.#configured = false;
    await this.#write(REGISTER.configuration, CONFIGURATION.reset);
    await this.#write(REGISTER.calibration, this.#calibration);
    await this.#write(REGISTER.configuration, this.#configuration); // starts anew, and clears CNVR
    await this.#checkConfiguration();
    await this.#clock.delay(this.#conversionMs);
    this.#configured = true;
  }

  async sample(): Promise<readonly Rows[]> {
    if (!this.#configured) {
      throw new HalError('invalid', this.#device.where, 'sampled before it was configured');
    }
    const bus = parseBusVoltage(await this.#read(REGISTER.busVoltage));
    const timeNs = this.#clock.nowNs();
    const current = signed16(await this.#read(REGISTER.current)) * this.#currentLsb;
    // §8.6.3.2: reading the power takes CNVR off. Its value isn't used: it doesn't tell charging from discharging.
    await this.#read(REGISTER.power);
    // After the values: a reset before them leaves these at their reset values.
    await this.#checkConfiguration();
    if (!bus.ready) {
      throw new HalError('notReady', this.#device.where, 'no new conversion since the last reading', {
        hint: `it makes one every ${this.#conversionMs.toFixed(1)} ms`,
      });
    }
    return [this.#row(timeNs, bus, current)];
  }

  #row(timeNs: bigint, bus: BusVoltage, current: number): Rows {
    if (bus.overflow) return oneRow('', timeNs, [bus.volts, undefined, undefined]);
    const rows = oneRow('', timeNs, [bus.volts, current, bus.volts * current]);
    if (Math.abs(current) >= this.#clippedA) rows.quality.fill(QUALITY.suspect, 1);
    return rows;
  }

  async #checkConfiguration(): Promise<void> {
    const configuration = await this.#read(REGISTER.configuration);
    const calibration = await this.#read(REGISTER.calibration);
    if (configuration === this.#configuration && calibration === this.#calibration) return;
    this.#configured = false;
    throw lostConfiguration(this.#device.where);
  }

  async #read(register: number): Promise<number> {
    const [high, low] = await this.#device.readRegisters(register, 2);
    return (high! << 8) | low!;
  }

  #write(register: number, word: number): Promise<void> {
    return this.#device.writeRegisters(register, Uint8Array.of(word >> 8, word & 0xff));
  }
}

export const ina219 = defineDriver({
  id: 'ina219',
  title: 'TI INA219 voltage, current and power',
  attachment: 'i2c',
  addresses: ADDRESSES,
  options,
  interval: { defaultMs: 10_000, minMs: 200 },
  create: ({ device, clock }, o) => new Ina219(device, clock, o),
});
