import * as v from 'valibot';
import {
  type Clock,
  checkId,
  type Driver,
  defineDriver,
  HalError,
  hexByte,
  type I2cDevice,
  type Identity,
  lostConfiguration,
  oneRow,
  type Rows,
  type StreamDeclaration,
} from '../contract/index.js';
import {
  type Calibration,
  calibrationFault,
  convert,
  parseCalibration,
  parseMeasurement,
} from './conversion.js';
import {
  ADDRESSES,
  CALIB00_BYTES,
  CALIB26_BYTES,
  configByte,
  ctrlMeasByte,
  DATA_BYTES,
  FILTER,
  ID,
  MODE,
  MODE_MASK,
  measurementTimeMaxMs,
  OVERSAMPLING,
  oversamplingCode,
  REGISTER,
  RESET_COMMAND,
  STARTUP_MS,
  STATUS,
} from './registers.js';

const oversampling = (what: string) =>
  v.optional(
    v.pipe(
      v.picklist(OVERSAMPLING, 'one of 1, 2, 4, 8, 16 is wanted'),
      v.description(`How many conversions make one ${what} value: more are quieter, and take longer.`),
    ),
    1,
  );

const options = v.strictObject({
  temperatureOversampling: oversampling('temperature'),
  pressureOversampling: oversampling('pressure'),
  humidityOversampling: oversampling('humidity'),
  filter: v.optional(
    v.pipe(
      v.picklist(FILTER, 'one of 0 (off), 2, 4, 8, 16 is wanted'),
      v.description(
        'Coefficient of the low-pass filter in the part, for temperature and pressure; 0 is off.',
      ),
    ),
    0,
  ),
});
type Options = v.InferOutput<typeof options>;

// Ranges: BST-BME280-DS002 §1.2 to §1.4. Resolutions: one count at 20 and 16 bits.
const STREAMS: readonly StreamDeclaration[] = [
  {
    name: '',
    class: 'telemetry',
    channels: [
      {
        name: 'temperature',
        quantity: 'temperature',
        type: { kind: 'decimal', scale: 3 },
        resolution: 0.01,
        range: [-40, 85],
      },
      {
        name: 'pressure',
        quantity: 'pressure',
        type: { kind: 'decimal', scale: 2 },
        resolution: 0.18,
        range: [30000, 110000],
      },
      {
        name: 'humidity',
        quantity: 'relativeHumidity',
        type: { kind: 'decimal', scale: 3 },
        resolution: 0.008,
        range: [0, 100],
      },
    ],
  },
];

/** How often a part that still measures after the longest time is asked again, and how long after. */
const EXTRA_WAITS = 3;
const EXTRA_WAIT_MS = 2;

class Bme280 implements Driver {
  readonly streams = STREAMS;
  readonly #device: I2cDevice;
  readonly #clock: Clock;
  readonly #ctrlHum: number;
  readonly #ctrlMeas: number;
  readonly #config: number;
  readonly #measurementMs: number;
  #calibration: Calibration | undefined;

  constructor(device: I2cDevice, clock: Clock, o: Options) {
    this.#device = device;
    this.#clock = clock;
    this.#ctrlHum = oversamplingCode(o.humidityOversampling);
    this.#ctrlMeas = ctrlMeasByte(o.temperatureOversampling, o.pressureOversampling, MODE.sleep);
    this.#config = configByte(o.filter);
    this.#measurementMs = measurementTimeMaxMs(
      o.temperatureOversampling,
      o.pressureOversampling,
      o.humidityOversampling,
    );
  }

  async probe(): Promise<Identity> {
    const [id] = await this.#device.readRegisters(REGISTER.id, 1);
    checkId(this.#device.where, ID, id!);
    return { model: ID.model, details: { chipId: hexByte(id!) } };
  }

  async configure(): Promise<void> {
    this.#calibration = undefined;
    await this.#reset();
    this.#calibration = await this.#readCalibration();
    // §5.4.6: `config` is only sure to be taken in sleep mode, where the reset has put the part.
    await this.#write(REGISTER.config, this.#config);
    await this.#write(REGISTER.ctrlHum, this.#ctrlHum);
    await this.#write(REGISTER.ctrlMeas, this.#ctrlMeas); // §5.4.3: makes ctrl_hum take effect
    this.#checkConfiguration(await this.#device.readRegisters(REGISTER.ctrlHum, 4));
  }

  /** One forced measurement (§3.3.3): the part sleeps between samples and warms itself least. */
  async sample(): Promise<readonly Rows[]> {
    const calibration = this.#calibration;
    if (!calibration) throw new HalError('invalid', this.#device.where, 'sampled before it was configured');
    await this.#write(REGISTER.ctrlMeas, this.#ctrlMeas | MODE.forced);
    await this.#clock.delay(this.#measurementMs);
    const data = await this.#finishedMeasurement();
    const climate = convert(parseMeasurement(data), calibration);
    const row = [climate.temperatureCelsius, climate.pressurePa, climate.relativeHumidityPercent];
    return [oneRow('', this.#clock.nowNs(), row)];
  }

  /** The data registers, read in one burst with the configuration, so that a value is never told under a wrong scale. */
  async #finishedMeasurement(): Promise<Uint8Array> {
    for (let wait = 0; wait <= EXTRA_WAITS; wait++) {
      const burst = await this.#device.readRegisters(REGISTER.ctrlHum, 5 + DATA_BYTES);
      this.#checkConfiguration(burst);
      if (!(burst[1]! & STATUS.measuring)) return burst.subarray(REGISTER.pressMsb - REGISTER.ctrlHum);
      await this.#clock.delay(EXTRA_WAIT_MS);
    }
    const waitedMs = this.#measurementMs + EXTRA_WAITS * EXTRA_WAIT_MS;
    throw new HalError('notReady', this.#device.where, `still measuring after ${waitedMs.toFixed(1)} ms`);
  }

  async #reset(): Promise<void> {
    await this.#write(REGISTER.reset, RESET_COMMAND);
    for (let wait = 0; wait <= EXTRA_WAITS; wait++) {
      await this.#clock.delay(STARTUP_MS);
      const [status] = await this.#device.readRegisters(REGISTER.status, 1);
      if (!(status! & STATUS.imUpdate)) return;
    }
    throw new HalError('timeout', this.#device.where, 'its parameters are not copied long after a reset');
  }

  async #readCalibration(): Promise<Calibration> {
    const calib00 = await this.#device.readRegisters(REGISTER.calib00, CALIB00_BYTES);
    const calib26 = await this.#device.readRegisters(REGISTER.calib26, CALIB26_BYTES);
    const calibration = parseCalibration(calib00, calib26);
    const fault = calibrationFault(calibration);
    if (!fault) return calibration;
    throw new HalError('badData', this.#device.where, `its trimming parameters are unreadable: ${fault}`, {
      hint: 'check the wiring and the supply',
    });
  }

  /** From 0xF2: ctrl_hum, status, ctrl_meas, config. After a brown-out these are all 0 (§5.3). */
  #checkConfiguration(registers: Uint8Array): void {
    const [ctrlHum, status, ctrlMeas, config] = registers;
    const kept =
      (ctrlHum! & 0b111) === this.#ctrlHum &&
      (ctrlMeas! & ~MODE_MASK) === this.#ctrlMeas &&
      (config! & 0b11111100) === this.#config &&
      !(status! & STATUS.imUpdate);
    if (kept) return;
    throw lostConfiguration(this.#device.where);
  }

  #write(register: number, value: number): Promise<void> {
    return this.#device.writeRegisters(register, Uint8Array.of(value));
  }
}

export const bme280 = defineDriver({
  id: 'bme280',
  title: 'Bosch BME280 temperature, pressure, humidity',
  attachment: 'i2c',
  addresses: ADDRESSES,
  options,
  interval: { defaultMs: 10_000, minMs: 150 },
  create: ({ device, clock }, o) => new Bme280(device, clock, o),
});
