import * as v from 'valibot';
import {
  type Channel,
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
  type Quantity,
  type Rows,
  resetByBit,
  type StreamDeclaration,
} from '../contract/index.js';
import {
  accelScale,
  FifoAssembler,
  gyroScale,
  isSaturated,
  parseFifoWord,
  type Sample,
} from './conversion.js';
import { PartTime } from './part-time.js';
import {
  ACCEL_RANGES_G,
  ADDRESSES,
  CTRL3_C,
  CTRL9_XL_I3C_DISABLED,
  CTRL10_C,
  ctrl1XlByte,
  ctrl2GByte,
  DATA_RATES,
  FIFO_CTRL4_CONTINUOUS,
  FIFO_CTRL4_TIMESTAMP_EVERY_8,
  FIFO_STATUS2,
  FIFO_WORD_BYTES,
  FIFO_WORDS,
  GYRO_RANGES_DPS,
  ID,
  REGISTER,
  TAG,
  ticksPerSample,
} from './registers.js';

const options = v.strictObject({
  dataRateHz: v.optional(
    v.pipe(
      v.picklist(DATA_RATES, 'one of 12.5, 26, 52, 104, 208 is wanted'),
      v.description('Samples a second that the part gathers by itself.'),
    ),
    104,
  ),
  accelRangeG: v.optional(
    v.pipe(
      v.picklist(ACCEL_RANGES_G, 'one of 2, 4, 8, 16 is wanted'),
      v.description('Full scale of the accelerometer, in g either way. A fall needs 8 or 16.'),
    ),
    8,
  ),
  gyroRangeDps: v.optional(
    v.pipe(
      v.picklist(GYRO_RANGES_DPS, 'one of 125, 250, 500, 1000, 2000 is wanted'),
      v.description('Full scale of the gyroscope, in degrees a second either way.'),
    ),
    1000,
  ),
});
type Options = v.InferOutput<typeof options>;

/** Words in one transfer: 28 of the 32 bytes that a transfer may have. */
const WORDS_PER_READ = 4;
/** AN5192: the gyroscope's turn-on time, and how many samples are left out while the filters settle. */
const TURN_ON_MS = 100;
const SAMPLES_LEFT_OUT = 3;
const RESET = { register: REGISTER.ctrl3C, bit: CTRL3_C.swReset, waitMs: 1, waits: 5 };

function streams(o: Options): readonly StreamDeclaration[] {
  const axis = (name: string, quantity: Quantity, resolution: number, range: number): Channel => ({
    name,
    quantity,
    type: decimalFor(resolution),
    resolution,
    range: [-range, range],
  });
  const [accel, gyro] = [accelScale(o.accelRangeG), gyroScale(o.gyroRangeDps)];
  const channels = [
    ...['accelX', 'accelY', 'accelZ'].map((name) => axis(name, 'acceleration', accel, 32768 * accel)),
    ...['gyroX', 'gyroY', 'gyroZ'].map((name) => axis(name, 'angularRate', gyro, 32768 * gyro)),
  ];
  return [{ name: '', class: 'bulk', channels }];
}

class Lsm6dso implements Driver {
  readonly streams: readonly StreamDeclaration[];
  readonly #device: I2cDevice;
  readonly #clock: Clock;
  readonly #options: Options;
  /** Register and value, in the order of writing; the same list is read back. */
  readonly #wanted: readonly (readonly [register: number, value: number])[];
  #time: PartTime | undefined;
  #fifo: FifoAssembler;

  constructor(device: I2cDevice, clock: Clock, o: Options) {
    this.streams = streams(o);
    this.#device = device;
    this.#clock = clock;
    this.#options = o;
    this.#fifo = new FifoAssembler(ticksPerSample(o.dataRateHz));
    const rate = ctrl1XlByte(o.dataRateHz, 2) & 0xf0;
    this.#wanted = [
      [REGISTER.ctrl3C, CTRL3_C.bdu | CTRL3_C.ifInc],
      [REGISTER.ctrl9Xl, CTRL9_XL_I3C_DISABLED],
      [REGISTER.ctrl10C, CTRL10_C.timestampEn],
      [REGISTER.fifoCtrl3, rate | (rate >> 4)], // BDR_GY, BDR_XL: everything that is sampled is gathered
      [REGISTER.ctrl1Xl, ctrl1XlByte(o.dataRateHz, o.accelRangeG)],
      [REGISTER.ctrl2G, ctrl2GByte(o.dataRateHz, o.gyroRangeDps)],
      [REGISTER.fifoCtrl4, FIFO_CTRL4_CONTINUOUS | FIFO_CTRL4_TIMESTAMP_EVERY_8],
    ];
  }

  async probe(): Promise<Identity> {
    const [id] = await this.#device.readRegisters(REGISTER.whoAmI, 1);
    checkId(this.#device.where, ID, id!);
    return { model: ID.model, details: { whoAmI: hexByte(id!) } };
  }

  async configure(): Promise<void> {
    this.#time = undefined;
    await this.#write(REGISTER.funcCfgAccess, 0); // another bank of registers may be left selected
    await resetByBit(this.#device, this.#clock, RESET);
    for (const [register, value] of this.#wanted) {
      if (register === REGISTER.fifoCtrl4) await this.#settle();
      await this.#write(register, value);
    }
    await this.#checkConfiguration();
    const [freqFine] = await this.#device.readRegisters(REGISTER.internalFreqFine, 1); // told right only while it runs
    this.#fifo = new FifoAssembler(ticksPerSample(this.#options.dataRateHz));
    this.#time = new PartTime((freqFine! << 24) >> 24);
  }

  /** Takes all that the part has gathered. A refusal in the middle loses nothing that was read: it comes with the next call. */
  async sample(): Promise<readonly Rows[]> {
    const time = this.#time;
    if (!time) throw new HalError('invalid', this.#device.where, 'sampled before it was configured');
    const words = await this.#observe(time);
    await this.#drain(words);
    // Last, for what is lost stays lost: a reset at any moment before would be seen here, and the rows with it.
    await this.#checkConfiguration();
    const samples = this.#fifo.take();
    return samples.length === 0 ? [] : [this.#rows(samples, time)];
  }

  /** How many words there are, and what time the part has, in one burst: no word that is counted is younger than that time. */
  async #observe(time: PartTime): Promise<number> {
    const before = this.#clock.nowNs();
    const length = REGISTER.timestamp0 + 4 - REGISTER.fifoStatus1;
    const burst = await this.#device.readRegisters(REGISTER.fifoStatus1, length);
    const view = new DataView(burst.buffer, burst.byteOffset, length);
    const timestamp = view.getUint32(REGISTER.timestamp0 - REGISTER.fifoStatus1, true);
    time.observe(timestamp, before, this.#clock.nowNs());
    const status = view.getUint16(0, true);
    if ((status >> 8) & FIFO_STATUS2.overrunLatched) this.#fifo.lost();
    return Math.min(status & 0x3ff, FIFO_WORDS);
  }

  async #drain(words: number): Promise<void> {
    for (let left = words; left > 0; left -= WORDS_PER_READ) {
      const count = Math.min(left, WORDS_PER_READ);
      // A burst goes round from 0x7E to 0x78, each time to the next word (AN5192; Linux's st_lsm6dsx reads so too).
      const bytes = await this.#device.readRegisters(REGISTER.fifoDataOutTag, count * FIFO_WORD_BYTES);
      for (let i = 0; i < count; i++) {
        const word = parseFifoWord(bytes.subarray(i * FIFO_WORD_BYTES, (i + 1) * FIFO_WORD_BYTES));
        if (!word) {
          this.#fifo.lost();
          throw new HalError('badCrc', this.#device.where, 'a word of its FIFO has a tag of wrong parity');
        }
        if (word.tag !== TAG.empty) this.#fifo.push(word);
      }
    }
  }

  #rows(samples: readonly Sample[], time: PartTime): Rows {
    const scales = [accelScale(this.#options.accelRangeG), gyroScale(this.#options.gyroRangeDps)];
    const timesNs = new BigInt64Array(samples.length);
    const values = new Float64Array(samples.length * 6);
    const quality = new Uint8Array(samples.length * 6);
    for (const [row, { tick, accel, gyro, afterGap }] of samples.entries()) {
      timesNs[row] = time.hostNs(tick);
      for (const [i, count] of [...accel, ...gyro].entries()) {
        values[row * 6 + i] = count * scales[i < 3 ? 0 : 1]!;
        quality[row * 6 + i] = afterGap || isSaturated(count) ? QUALITY.suspect : QUALITY.good;
      }
    }
    return { stream: '', timesNs, values, quality };
  }

  #settle(): Promise<void> {
    return this.#clock.delay(Math.max(TURN_ON_MS, (SAMPLES_LEFT_OUT * 1000) / this.#options.dataRateHz));
  }

  async #checkConfiguration(): Promise<void> {
    const first = REGISTER.fifoCtrl1;
    const burst = await this.#device.readRegisters(first, REGISTER.ctrl10C - first + 1);
    if (this.#wanted.every(([register, value]) => burst[register - first] === value)) return;
    this.#time = undefined;
    throw lostConfiguration(this.#device.where);
  }

  #write(register: number, value: number): Promise<void> {
    return this.#device.writeRegisters(register, Uint8Array.of(value));
  }
}

export const lsm6dso = defineDriver({
  id: 'lsm6dso',
  title: 'ST LSM6DSO accelerometer and gyroscope',
  attachment: 'i2c',
  addresses: ADDRESSES,
  feeds: 'imu',
  options,
  interval: { defaultMs: 250, minMs: 50 },
  create: ({ device, clock }, o) => new Lsm6dso(device, clock, o),
});
