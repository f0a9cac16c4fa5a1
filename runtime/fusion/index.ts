import { type Rows, rowCount } from '../../drivers/contract/index.js';
import type { NativeApi } from '../../native/api.js';
import type { FusionConfig } from '../config/types.js';
import type { SamplerStream } from '../sampler/types.js';
import { type Axes, copyVector, findAxes, SLICE_ROWS } from './columns.js';
import { FieldSamples } from './field.js';
import { MotionStage } from './motion.js';
import { OrientationStage } from './orientation.js';

export { fusionStreams } from './streams.js';

export type NativeFusion = Pick<NativeApi, 'createOrientation' | 'createMotion'>;

export interface FusionParts {
  /** Absent: rows pass, nothing is added. */
  readonly config: FusionConfig | undefined;
  readonly native: NativeFusion;
  readonly emit: (rows: Rows) => void;
  readonly onMotion: (state: 'still' | 'moving') => void;
}

/** The stage between sampler and store. */
export interface Fusion {
  /** The sampler's streams, before their first row; may be called again as parts appear. */
  declare(streams: readonly SamplerStream[]): void;
  /** Emits the rows as they are (unless their part is for fusion only), then what follows from them. */
  take(rows: Rows): void;
}

interface Source {
  readonly keep: boolean;
  readonly accel: Axes | undefined;
  readonly gyro: Axes | undefined;
  readonly field: Axes | undefined;
}

export function createFusion(parts: FusionParts): Fusion {
  const sources = new Map<string, Source>();
  const inertial = parts.config && new InertialStage(parts, parts.config);
  return {
    declare: (streams) => {
      for (const stream of streams) sources.set(stream.name, sourceOf(stream, parts.config));
    },
    take: (rows) => {
      const source = sources.get(rows.stream);
      if (source?.keep ?? true) parts.emit(rows);
      if (source && rowCount(rows) > 0) inertial?.take(rows, source);
    },
  };
}

function sourceOf({ keep, partId, channels }: SamplerStream, config: FusionConfig | undefined): Source {
  const isImu = config?.imu === partId;
  return {
    keep,
    accel: isImu ? findAxes(channels, 'accel') : undefined,
    gyro: isImu ? findAxes(channels, 'gyro') : undefined,
    field: config?.magnetometer === partId ? findAxes(channels, 'field') : undefined,
  };
}

/** Cuts rows into slices for the native filters; its arrays are made once. */
class InertialStage {
  readonly #field = new FieldSamples();
  readonly #motion: MotionStage;
  readonly #orientation: OrientationStage | undefined;
  readonly #accel = new Float64Array(3 * SLICE_ROWS);
  readonly #gyro = new Float64Array(3 * SLICE_ROWS);

  constructor({ native, emit, onMotion }: FusionParts, config: FusionConfig) {
    this.#motion = new MotionStage(config, native, emit, onMotion);
    if (config.orientationIntervalMs > 0)
      this.#orientation = new OrientationStage(config, native, this.#field, emit);
  }

  take(rows: Rows, { accel, gyro, field }: Source): void {
    if (field) this.#field.take(rows, field);
    if (!accel) return;
    for (let from = 0; from < rowCount(rows); from += SLICE_ROWS) {
      const timesNs = rows.timesNs.subarray(from, from + SLICE_ROWS);
      this.#motion.take(timesNs, fill(this.#accel, rows, from, timesNs.length, accel));
      if (!gyro) continue;
      this.#orientation?.take(
        timesNs,
        fill(this.#gyro, rows, from, timesNs.length, gyro),
        this.#accel.subarray(0, 3 * timesNs.length),
      );
    }
  }
}

function fill(scratch: Float64Array, rows: Rows, from: number, count: number, axes: Axes): Float64Array {
  for (let i = 0; i < count; i++) copyVector(rows, from + i, axes, scratch, 3 * i);
  return scratch.subarray(0, 3 * count);
}
