import { type AccelRangeG, FIFO_WORD_BYTES, type GyroRangeDps, TAG, TIMESTAMP_EVERY } from './registers.js';

/** Standard gravity, m/s² (exact by definition, CGPM 1901). */
const STANDARD_GRAVITY = 9.80665;

/** Sensitivities of DS12140, mechanical characteristics, mg and mdps a count. They are not the range divided by 32768. */
const ACCEL_MG: Readonly<Record<AccelRangeG, number>> = { 2: 0.061, 4: 0.122, 8: 0.244, 16: 0.488 };
const GYRO_MDPS: Readonly<Record<GyroRangeDps, number>> = {
  125: 4.375,
  250: 8.75,
  500: 17.5,
  1000: 35,
  2000: 70,
};

/** m/s² a count. */
export const accelScale = (range: AccelRangeG): number => (ACCEL_MG[range] / 1000) * STANDARD_GRAVITY;
/** rad/s a count. */
export const gyroScale = (range: GyroRangeDps): number => (GYRO_MDPS[range] / 1000) * (Math.PI / 180);

/** Three axes in counts. */
export type Axes = readonly [x: number, y: number, z: number];

/** A count at the end of the converter's range: the true value is there or beyond. */
export const isSaturated = (count: number): boolean => count === 32767 || count === -32768;

export interface FifoWord {
  /** TAG_SENSOR: what the word holds. */
  readonly tag: number;
  /** TAG_CNT, 0 to 3: words with the same count are of the same moment. */
  readonly slot: number;
  readonly data: DataView;
}

/** Seven bytes from FIFO_DATA_OUT_TAG on; undefined where the tag's parity is wrong (FIFO_DATA_OUT_TAG: an even number of ones). */
export function parseFifoWord(bytes: Uint8Array): FifoWord | undefined {
  const tag = bytes[0]!;
  let ones = 0;
  for (let bits = tag; bits !== 0; bits >>= 1) ones += bits & 1;
  if (ones % 2 !== 0) return undefined;
  const data = new DataView(bytes.buffer, bytes.byteOffset + 1, FIFO_WORD_BYTES - 1);
  return { tag: tag >> 3, slot: (tag >> 1) & 0b11, data };
}

export function axes(data: DataView): Axes {
  return [data.getInt16(0, true), data.getInt16(2, true), data.getInt16(4, true)];
}

/** Both sensors at one moment. */
export interface Sample {
  /** The part's timestamp, 32 bits, in its ticks. */
  tick: number;
  readonly accel: Axes;
  readonly gyro: Axes;
  /** Samples before this one were lost in the part. */
  afterGap: boolean;
}

type Pending = Omit<Sample, 'tick'> & { tick: number | undefined };

/**
 * Words of the FIFO, oldest first, into samples with ticks. Every eighth moment has a timestamp word, the ones between are a whole
 * number of ticks apart. Nothing is assumed about the order of the words of one moment, nor about where a read of the FIFO ends.
 */
export class FifoAssembler {
  readonly #ticksPerSample: number;
  #slot: number | undefined;
  #tick: number | undefined;
  #accel: Axes | undefined;
  #gyro: Axes | undefined;
  #inSlot: Pending | undefined;
  #gap = false;
  #pending: Pending[] = [];

  constructor(ticksPerSample: number) {
    this.#ticksPerSample = ticksPerSample;
  }

  push(word: FifoWord): void {
    if (word.slot !== this.#slot) this.#next(word.slot);
    if (word.tag === TAG.timestamp) this.#stamp(word.data.getUint32(0, true));
    else if (word.tag === TAG.accel) this.#accel = axes(word.data);
    else if (word.tag === TAG.gyro) this.#gyro = axes(word.data);
    if (!this.#accel || !this.#gyro) return;
    this.#inSlot = { tick: this.#tick, accel: this.#accel, gyro: this.#gyro, afterGap: this.#gap };
    this.#pending.push(this.#inSlot);
    this.#accel = undefined;
    this.#gyro = undefined;
    this.#gap = false;
  }

  /** Words are missing: the count of moments is broken until the next timestamp, and what waits for one can't get it any more. */
  lost(): void {
    this.#pending = this.#pending.filter((sample) => sample.tick !== undefined);
    this.#slot = undefined;
    this.#tick = undefined;
    this.#gap = true;
  }

  /** What is complete, oldest first. The few after a start or a gap that have no time yet wait for their timestamp. */
  take(): Sample[] {
    const known = this.#pending.findLastIndex((sample) => sample.tick !== undefined);
    const complete = this.#pending.slice(0, known + 1);
    this.#pending = this.#pending.slice(known + 1).slice(-TIMESTAMP_EVERY);
    let tick = 0;
    for (const sample of complete.toReversed()) {
      tick = sample.tick ?? (tick - this.#ticksPerSample) >>> 0;
      sample.tick = tick;
    }
    return complete as Sample[];
  }

  #next(slot: number): void {
    if (this.#slot !== undefined && slot !== ((this.#slot + 1) & 0b11)) this.lost();
    if (this.#tick !== undefined) this.#tick = (this.#tick + this.#ticksPerSample) >>> 0;
    this.#slot = slot;
    this.#accel = undefined;
    this.#gyro = undefined;
    this.#inSlot = undefined;
  }

  #stamp(tick: number): void {
    const off = this.#tick === undefined ? 0 : (tick - this.#tick) | 0;
    const gap = Math.abs(off) > this.#ticksPerSample / 2;
    this.#tick = tick;
    if (!this.#inSlot) this.#gap ||= gap;
    else {
      this.#inSlot.tick = tick;
      this.#inSlot.afterGap ||= gap;
    }
  }
}
