import { type Channel, oneRow, type Rows } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import type { FusionConfig } from '../../runtime/config/types.js';
import { createFusion, type Fusion } from '../../runtime/fusion/index.js';
import type { SamplerStream } from '../../runtime/sampler/types.js';

export const G = 9.80665;

const axes = (stem: string, quantity: Channel['quantity']): Channel[] =>
  ['X', 'Y', 'Z'].map((axis) => ({ name: stem + axis, quantity, type: { kind: 'f64' } }));

const stream = (name: string, keep: boolean, channels: Channel[]): SamplerStream => {
  return { name, title: name, partId: name.split('.')[0]!, keep, class: 'bulk', channels };
};

/** The temperature stands first, so that nobody takes the axes from where they happen to be. */
export const IMU = stream('imu', false, [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } },
  ...axes('gyro', 'angularRate'),
  ...axes('accel', 'acceleration'),
]);
export const COMPASS = stream('compass', true, axes('field', 'magneticFluxDensity'));
export const CLIMATE = stream('climate', true, [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } },
]);

export const CONFIG: FusionConfig = {
  imu: 'imu',
  orientationIntervalMs: 1000,
  noMotionMs: 10_000,
  shockMps2: 40,
};

export interface Rig {
  readonly fusion: Fusion;
  readonly out: Rows[];
  readonly states: string[];
  rowsOf(name: string): Rows[];
}

export function rig(config: FusionConfig | undefined, imu: SamplerStream = IMU): Rig {
  const out: Rows[] = [];
  const states: string[] = [];
  const fusion = createFusion({
    config,
    native,
    emit: (rows) => out.push(rows),
    onMotion: (state) => states.push(state),
  });
  fusion.declare([imu, COMPASS, CLIMATE]);
  return { fusion, out, states, rowsOf: (name) => out.filter((rows) => rows.stream === name) };
}

/** One row: temperature, gyro, accel. */
export type Sample = readonly [gx: number, gy: number, gz: number, ax: number, ay: number, az: number];
export const REST: Sample = [0, 0, 0, 0, 0, G];

/** A batch at 100 Hz. */
export function batch(fromNs: bigint, samples: readonly Sample[], quality = 0): Rows {
  return {
    stream: 'imu',
    timesNs: BigInt64Array.from(samples, (_, i) => fromNs + BigInt(i) * 10_000_000n),
    values: Float64Array.from(samples.flatMap((sample) => [21.5, ...sample])),
    quality: new Uint8Array(samples.length * 7).fill(quality),
  };
}

/** `seconds` of one sample, in batches of 50. */
export function hold(to: Rig, fromS: number, seconds: number, sample: (i: number) => Sample): void {
  for (let i = 0; i < seconds * 100; i += 50) {
    const samples = Array.from({ length: 50 }, (_, k) => sample(i + k));
    to.fusion.take(batch(BigInt(Math.round((fromS + i / 100) * 1e9)), samples));
  }
}

export const rest = (to: Rig, fromS: number, seconds: number) => hold(to, fromS, seconds, () => REST);
export const walk = (to: Rig, fromS: number, seconds: number) =>
  hold(to, fromS, seconds, (i) => [0, 0, 0, 0, 0, G + 3 * Math.sin((2 * Math.PI * 2 * i) / 100)]);

export const fieldRow = (timeNs: bigint, x: number, y: number, z: number) =>
  oneRow('compass', timeNs, [x, y, z]);
