import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { native } from '../../native/index.js';

/*
 * BROAD (Laidig et al. 2021, doi 10.3390/data6070072): recorded IMU data with optical ground truth, scored as its authors
 * score: RMSE over the phases of movement. The published VQF's own figures for the same trials are the bar.
 */
const folder = join(
  process.env.CAIRN_REAL_DATA ?? join(process.cwd(), '..', 'shared', 'data'),
  'imu',
  'broad',
);
const skip = existsSync(folder) ? false : `real data absent: ${folder}`;
const TRIALS = ['05_undisturbed_slow_rotation_with_breaks_B', '16_undisturbed_fast_translation_B'];
const COLUMNS = 14;
const OVER_VQF = 1.05;

interface Score {
  total: number;
  heading: number;
  inclination: number;
}
interface TrialInfo {
  rows: number;
  rate_hz: number;
  baseline_rmse_deg: { vqf9: Score; vqf6: Score };
}

function load(name: string) {
  const info: TrialInfo = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const raw = gunzipSync(readFileSync(join(folder, `${name}.f32.gz`)));
  const data = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  assert.equal(data.length, info.rows * COLUMNS);
  const columns = (from: number, width: number) =>
    Float64Array.from({ length: info.rows * width }, (_, i) => {
      return data[Math.floor(i / width) * COLUMNS + from + (i % width)]!;
    });
  const times = BigInt64Array.from({ length: info.rows }, (_, i) => {
    return BigInt(Math.round((i * 1e9) / info.rate_hz));
  });
  return {
    info,
    times,
    accel: columns(0, 3),
    gyro: columns(3, 3),
    mag: columns(6, 3),
    truth: columns(9, 4),
    movement: columns(13, 1),
  };
}
type Trial = ReturnType<typeof load>;

function estimate(trial: Trial, axes: 6 | 9): Float64Array {
  const out = new Float64Array(trial.info.rows * 4);
  const filter = native.createOrientation({ axes, sampleRateHz: trial.info.rate_hz });
  filter.update(trial.times, trial.gyro, trial.accel, axes === 9 ? trial.mag : undefined, out);
  return out;
}

/** The w and z of estimate · truth⁻¹, in the earth frame, both made unit. */
function errorWz(estimated: Float64Array, truth: Float64Array, i: number): [w: number, z: number] {
  const [aw, ax, ay, az] = estimated.subarray(4 * i, 4 * i + 4) as unknown as number[];
  const [bw, bx, by, bz] = truth.subarray(4 * i, 4 * i + 4) as unknown as number[];
  const norm = Math.hypot(aw!, ax!, ay!, az!) * Math.hypot(bw!, bx!, by!, bz!);
  const w = aw! * bw! + ax! * bx! + ay! * by! + az! * bz!;
  const z = -aw! * bz! - ax! * by! + ay! * bx! + az! * bw!;
  return [w / norm, z / norm];
}

function score(trial: Trial, estimated: Float64Array): Score {
  const squares = { total: 0, heading: 0, inclination: 0 };
  let count = 0;
  for (let i = 0; i < trial.info.rows; i++) {
    if (trial.movement[i] !== 1 || Number.isNaN(trial.truth[4 * i])) continue;
    const [w, z] = errorWz(estimated, trial.truth, i);
    squares.total += (2 * Math.acos(Math.min(1, Math.abs(w)))) ** 2;
    squares.heading += (2 * Math.atan(Math.abs(z / w))) ** 2;
    squares.inclination += (2 * Math.acos(Math.min(1, Math.hypot(w, z)))) ** 2;
    count++;
  }
  const degrees = (sum: number) => (Math.sqrt(sum / count) * 180) / Math.PI;
  return {
    total: degrees(squares.total),
    heading: degrees(squares.heading),
    inclination: degrees(squares.inclination),
  };
}

const figures = (s: Score) =>
  `total ${s.total.toFixed(3)}°, heading ${s.heading.toFixed(3)}°, inclination ${s.inclination.toFixed(3)}°`;

for (const name of TRIALS) {
  test(`orientation on BROAD ${name}: within ${OVER_VQF} of the published VQF`, { skip }, (t) => {
    const trial = load(name);
    const { vqf9, vqf6 } = trial.info.baseline_rmse_deg;
    const nine = score(trial, estimate(trial, 9));
    const six = score(trial, estimate(trial, 6));
    t.diagnostic(`9 axes: ${figures(nine)}; VQF: ${figures(vqf9)}`);
    t.diagnostic(`6 axes: inclination ${six.inclination.toFixed(3)}°; VQF: ${vqf6.inclination.toFixed(3)}°`);
    for (const key of ['total', 'heading', 'inclination'] as const) {
      assert.ok(nine[key] <= OVER_VQF * vqf9[key], `${key}: ${nine[key]}° against ${vqf9[key]}°`);
    }
    assert.ok(six.inclination <= OVER_VQF * vqf6.inclination);
  });
}

/** As a node has it: the inertial part near 100 Hz (every third sample), the magnetometer near 10 Hz. */
function atNodeRates(trial: Trial): Trial {
  const rows = Math.floor(trial.info.rows / 3);
  const pick = (values: Float64Array, width: number) =>
    Float64Array.from({ length: rows * width }, (_, i) => {
      return values[Math.floor(i / width) * 3 * width + (i % width)]!;
    });
  const mag = pick(trial.mag, 3).map((value, i) => (Math.floor(i / 3) % 10 === 0 ? value : Number.NaN));
  return {
    info: { ...trial.info, rows, rate_hz: trial.info.rate_hz / 3 },
    times: BigInt64Array.from({ length: rows }, (_, i) => trial.times[3 * i]!),
    accel: pick(trial.accel, 3),
    gyro: pick(trial.gyro, 3),
    mag,
    truth: pick(trial.truth, 4),
    movement: pick(trial.movement, 1),
  };
}

test('orientation on BROAD: a node of 95 Hz with a compass of 9.5 Hz is nearly as good', { skip }, (t) => {
  for (const name of TRIALS) {
    const trial = load(name);
    const { vqf9 } = trial.info.baseline_rmse_deg;
    const slow = score(atNodeRates(trial), estimate(atNodeRates(trial), 9));
    t.diagnostic(`${name}: ${figures(slow)}; VQF at 286 Hz: ${figures(vqf9)}`);
    assert.ok(slow.total <= 1.5 * vqf9.total, `${name}: ${slow.total}° against ${vqf9.total}°`);
  }
});

test('orientation on BROAD: batches of any size give the same bits', { skip }, () => {
  const trial = load(TRIALS[0]!);
  const whole = estimate(trial, 9);
  const out = new Float64Array(4 * 64);
  const filter = native.createOrientation({ axes: 9, sampleRateHz: trial.info.rate_hz });
  for (let from = 0, size = 1; from < 5000; from += size, size = (size % 64) + 1) {
    const cut = (values: Float64Array) => values.subarray(3 * from, 3 * (from + size));
    filter.update(
      trial.times.subarray(from, from + size),
      cut(trial.gyro),
      cut(trial.accel),
      cut(trial.mag),
      out,
    );
    assert.deepEqual(out.subarray(0, 4 * size), whole.subarray(4 * from, 4 * (from + size)));
  }
});
