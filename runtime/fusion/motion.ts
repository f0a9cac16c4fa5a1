import { QUALITY, type Rows } from '../../drivers/contract/index.js';
import type { NativeApi } from '../../native/api.js';
import { MOTION_EVENTS, type Motion } from '../../native/types.js';
import type { FusionConfig } from '../config/types.js';
import { roundTo } from './columns.js';
import { ALARM_STREAM, MOTION_STREAM, PEAK_SCALE } from './streams.js';

/** Carried by a person who stands and breathes: below; who walks or works: above (xio walk, Oxford's phones). */
const STILL_MPS2 = 0.3;
/** A drop of 20 cm. Runners are in the air for less. */
const FREE_FALL_MPS2 = 2.5;
const FREE_FALL_MS = 200;
/** Of one slice; a state can't change that often. */
const EVENTS_MAX = 64;

const ALARMS: ReadonlySet<number> = new Set(
  (['shock', 'freeFall', 'noMotion'] as const).map((name) => MOTION_EVENTS.indexOf(name)),
);

/** Makes `motion` and `motion.alarm` of acceleration, and tells still from moving. */
export class MotionStage {
  readonly #motion: Motion;
  readonly #times = new BigInt64Array(EVENTS_MAX);
  readonly #codes = new Uint8Array(EVENTS_MAX);
  readonly #peaks = new Float64Array(EVENTS_MAX);

  constructor(
    config: FusionConfig,
    native: Pick<NativeApi, 'createMotion'>,
    private readonly emit: (rows: Rows) => void,
    private readonly onMotion: (state: 'still' | 'moving') => void,
  ) {
    this.#motion = native.createMotion({
      stillMps2: STILL_MPS2,
      shockMps2: config.shockMps2,
      freeFallMps2: FREE_FALL_MPS2,
      freeFallMs: FREE_FALL_MS,
      noMotionMs: config.noMotionMs,
    });
  }

  take(timesNs: BigInt64Array, accel: Float64Array): void {
    const count = this.#motion.update(timesNs, accel, this.#times, this.#codes, this.#peaks);
    if (count === 0) return;
    const all = Array.from({ length: count }, (_, i) => i);
    this.#emitEvents(
      ALARM_STREAM,
      all.filter((i) => ALARMS.has(this.#codes[i]!)),
    );
    this.#emitEvents(MOTION_STREAM, all);
    for (const i of all) this.#tell(MOTION_EVENTS[this.#codes[i]!]);
  }

  #tell(event: (typeof MOTION_EVENTS)[number] | undefined): void {
    if (event === 'still' || event === 'moving') this.onMotion(event);
  }

  #emitEvents(stream: string, which: readonly number[]): void {
    if (which.length === 0) return;
    this.emit({
      stream,
      timesNs: BigInt64Array.from(which, (i) => this.#times[i]!),
      values: Float64Array.from(
        which.flatMap((i) => [this.#codes[i]!, roundTo(this.#peaks[i]!, PEAK_SCALE)]),
      ),
      quality: new Uint8Array(which.length * 2).fill(QUALITY.good),
    });
  }
}
