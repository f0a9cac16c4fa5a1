import { QUALITY, type Rows } from '../../drivers/contract/index.js';
import type { NativeApi } from '../../native/api.js';
import type { Orientation } from '../../native/types.js';
import type { FusionConfig } from '../config/types.js';
import { roundTo, SLICE_ROWS } from './columns.js';
import type { FieldSamples } from './field.js';
import { ORIENTATION_STREAM, QUATERNION_SCALE } from './streams.js';

/** What a lone first sample is taken for; the filter then follows the samples' own times. */
const RATE_UNKNOWN_HZ = 100;

/** Makes `orientation` of rotation, acceleration and field: one row an interval at most. */
export class OrientationStage {
  #filter: Orientation | undefined;
  #dueNs: bigint | undefined;
  readonly #intervalNs: bigint;
  readonly #out = new Float64Array(4 * SLICE_ROWS);
  readonly #mag = new Float64Array(3 * SLICE_ROWS);

  constructor(
    private readonly config: FusionConfig,
    private readonly native: Pick<NativeApi, 'createOrientation'>,
    private readonly field: FieldSamples,
    private readonly emit: (rows: Rows) => void,
  ) {
    this.#intervalNs = BigInt(Math.round(config.orientationIntervalMs * 1e6));
  }

  take(timesNs: BigInt64Array, gyro: Float64Array, accel: Float64Array): void {
    const axes = this.config.magnetometer ? 9 : 6;
    const mag = axes === 9 ? this.#mag.subarray(0, 3 * timesNs.length) : undefined;
    if (mag) this.field.place(timesNs, mag);
    this.#filter ??= this.native.createOrientation({ axes, sampleRateHz: rateHz(timesNs) });
    this.#filter.update(timesNs, gyro, accel, mag, this.#out);
    this.#emitDue(timesNs, (i) => Number.isFinite(gyro[3 * i]! + accel[3 * i]!));
  }

  #emitDue(timesNs: BigInt64Array, isSound: (i: number) => boolean): void {
    const due: number[] = [];
    for (const [i, timeNs] of timesNs.entries()) {
      if (!isSound(i) || (this.#dueNs !== undefined && timeNs < this.#dueNs)) continue;
      due.push(i);
      this.#dueNs = timeNs + this.#intervalNs;
    }
    if (due.length === 0) return;
    this.emit({
      stream: ORIENTATION_STREAM,
      timesNs: BigInt64Array.from(due, (i) => timesNs[i]!),
      values: Float64Array.from(due.flatMap((i) => [...this.#out.subarray(4 * i, 4 * i + 4)].map(rounded))),
      quality: Uint8Array.from(due.flatMap((i) => new Array<number>(4).fill(this.#quality(timesNs[i]!)))),
    });
  }

  /** Without a north to hold on to, the heading drifts. */
  #quality(timeNs: bigint): number {
    return this.config.magnetometer && !this.field.isFresh(timeNs) ? QUALITY.suspect : QUALITY.good;
  }
}

const rounded = (value: number) => roundTo(value, QUATERNION_SCALE);

function rateHz(timesNs: BigInt64Array): number {
  const spanNs = Number(timesNs[timesNs.length - 1]! - timesNs[0]!);
  const rate = ((timesNs.length - 1) * 1e9) / spanNs;
  return rate >= 1 && rate <= 10_000 ? rate : RATE_UNKNOWN_HZ;
}
