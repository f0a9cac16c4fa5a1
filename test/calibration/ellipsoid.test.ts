import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  CalibrationError,
  FieldPoints,
  fieldProgress,
  fitEllipsoid,
  SECTORS,
  type Vector3,
} from '../../runtime/calibration/index.js';
import { seeded } from '../board/fixture.js';
import { realData } from '../native/paths.js';

const SEED = 4711;
const FIELD_T = 50e-6;
const HARD_T = [30e-6, -120e-6, 45e-6];
/** Symmetric, of determinant 1 to 1e-3: what a fit that turns nothing can give back. */
const SOFT = [
  [1.1, 0.05, -0.03],
  [0.05, 0.95, 0.02],
  [-0.03, 0.02, 0.963],
];

/** Even over the sphere: Archimedes' z, and an angle. */
function direction(random: () => number): Vector3 {
  const z = 2 * random() - 1;
  const angle = 2 * Math.PI * random();
  const r = Math.sqrt(1 - z * z);
  return [r * Math.cos(angle), r * Math.sin(angle), z];
}

function readings(count: number, random: () => number, noiseT: number, of = direction): Vector3[] {
  return Array.from({ length: count }, () => {
    const unit = of(random);
    return SOFT.map((row, i) => {
      const value = row.reduce((sum, m, j) => sum + m * unit[j]! * FIELD_T, HARD_T[i]!);
      return value + (random() - 0.5) * 2 * noiseT;
    }) as unknown as Vector3;
  });
}

/** Cramer's rule: the inverse of SOFT by another way than the code's. */
function inverse(m: readonly (readonly number[])[]): number[][] {
  const minor = (i: number, j: number) => {
    const [a, b] = [0, 1, 2].filter((k) => k !== i) as [number, number];
    const [c, d] = [0, 1, 2].filter((k) => k !== j) as [number, number];
    return (m[a]![c]! * m[b]![d]! - m[a]![d]! * m[b]![c]!) * ((i + j) % 2 === 0 ? 1 : -1);
  };
  const determinant = [0, 1, 2].reduce((sum, j) => sum + m[0]![j]! * minor(0, j), 0);
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => minor(j, i) / determinant));
}

test('hard and soft iron come back: offset within 0.3 µT, matrix within 0.01, by noise of 0.5 µT', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const { offset, matrix, quality } = fitEllipsoid(readings(400, seeded(SEED), 0.5e-6));
  for (const [i, value] of offset.entries()) assert.ok(Math.abs(value - HARD_T[i]!) < 0.3e-6, `${offset}`);
  const truth = inverse(SOFT).flat();
  for (const [i, value] of matrix.entries()) assert.ok(Math.abs(value - truth[i]!) < 0.01, `${matrix}`);
  assert.equal(quality.sectors, SECTORS);
  assert.ok(quality.residualPercent! < 1.2 && quality.rawResidualPercent! > 15, JSON.stringify(quality));
  assert.ok(Math.abs(quality.fieldTesla! - FIELD_T) < 0.5e-6);
  assert.ok(quality.condition! < 10, `${quality.condition}`);
  t.diagnostic(JSON.stringify(quality));
});

test('without noise it is exact, however far the hard iron moves it from zero', () => {
  const far = readings(100, seeded(SEED), 0).map(([x, y, z]): Vector3 => [x + 1e-3, y - 2e-3, z]);
  const { offset, quality } = fitEllipsoid(far);
  assert.ok(
    Math.abs(offset[0]! - HARD_T[0]! - 1e-3) < 1e-11 && Math.abs(offset[1]! - HARD_T[1]! + 2e-3) < 1e-11,
  );
  assert.ok(quality.residualPercent! < 1e-6);
});

test('too few readings, a flat turn, half the sphere and a field that varies are refused, and said', () => {
  const random = seeded(SEED);
  const lacks = (points: readonly Vector3[]) => {
    const { lacks: text } = fieldProgress(points);
    assert.throws(
      () => fitEllipsoid(points),
      (error: Error) => error instanceof CalibrationError && error.message === text,
    );
    return text!;
  };
  assert.match(lacks(readings(30, random, 0)), /70 more/);
  const flat = (r: () => number): Vector3 => {
    const angle = 2 * Math.PI * r();
    return [Math.cos(angle), Math.sin(angle), 0];
  };
  assert.match(lacks(readings(300, random, 0.5e-6, flat)), /more directions/);
  // As a node on a belt turns: all round, and by up to 20° from level.
  const belt = (r: () => number): Vector3 => {
    const [angle, tilt] = [2 * Math.PI * r(), (r() - 0.5) * 2 * ((20 * Math.PI) / 180)];
    return [Math.cos(angle) * Math.cos(tilt), Math.sin(angle) * Math.cos(tilt), Math.sin(tilt)];
  };
  assert.match(lacks(readings(300, random, 0.5e-6, belt)), /more directions/);
  const cap = (r: () => number): Vector3 => {
    const [x, y, z] = direction(r);
    return [x, y, Math.abs(z)];
  };
  assert.match(lacks(readings(300, random, 0.5e-6, cap)), /more directions/);
  assert.match(lacks(readings(300, random, 12e-6)), /a steadier field: it varies by \d+\.\d %/);
  assert.equal(fieldProgress([]).sectors, 0);
});

test('a part that lies still for long adds nothing, and points are bounded', () => {
  const random = seeded(SEED);
  const points = new FieldPoints();
  for (const point of readings(300, random, 0.2e-6)) points.add(point);
  const before = points.points.length;
  for (let i = 0; i < 5000; i++) points.add(readings(1, random, 0.2e-6, () => [0, 0, 1])[0]!);
  assert.ok(before > 250 && points.points.length <= before + 1, `${before}, ${points.points.length}`);
  for (const point of readings(5000, random, 0.2e-6)) points.add(point);
  assert.ok(points.points.length <= 2000);
  assert.ok(Math.abs(fitEllipsoid(points.points).offset[1]! - HARD_T[1]!) < 0.2e-6);
});

/** BROAD (Laidig et al. 2021), trial 5: field in µT, and the sensor's true orientation to east, north, up by optics. */
const TRIAL = 'imu/broad/05_undisturbed_slow_rotation_with_breaks_B';
const recording = realData(`${TRIAL}.f32.gz`);

function recorded() {
  const { columns, rows } = JSON.parse(readFileSync(realData(`${TRIAL}.json`).path, 'utf8'));
  const bytes = gunzipSync(readFileSync(recording.path));
  const at = (row: number, name: string) =>
    bytes.readFloatLE(4 * (row * columns.length + columns.indexOf(name)));
  const every = 20;
  return Array.from({ length: Math.floor(rows / every) }, (_, i) => ({
    field: ['mx', 'my', 'mz'].map((name) => at(i * every, name) * 1e-6) as unknown as Vector3,
    turn: ['qw', 'qx', 'qy', 'qz'].map((name) => at(i * every, name)),
  })).filter(({ turn, field }) => [...turn, ...field].every(Number.isFinite));
}

test('a recording of a real part, bent by a known iron: it comes back, as far as the part itself is even', {
  skip: recording.skip,
}, (t) => {
  const rows = recorded();
  const own = fitEllipsoid(rows.map(({ field }) => field));
  t.diagnostic(`${rows.length} rows as recorded: ${JSON.stringify(own.quality)}`);
  const bent = rows.map(
    ({ field }) =>
      SOFT.map((row, i) => row.reduce((sum, m, j) => sum + m * field[j]!, HARD_T[i]!)) as unknown as Vector3,
  );
  const { offset, matrix, quality } = fitEllipsoid(bent);
  t.diagnostic(`bent: ${JSON.stringify(quality)}`);
  assert.ok(quality.rawResidualPercent! > 10 && quality.residualPercent! < 2.5);
  // By optics, which the fit never saw: the field in the room's frame, before and after, as angles to its mean.
  const before = angleDeg(bent.map((field, i) => turned(field, rows[i]!.turn)));
  const after = angleDeg(
    bent.map((field, i) => {
      const [x, y, z] = field.map((value, axis) => value - offset[axis]!) as [number, number, number];
      const fixed = [0, 3, 6].map((k) => matrix[k]! * x + matrix[k + 1]! * y + matrix[k + 2]! * z);
      return turned(fixed as unknown as Vector3, rows[i]!.turn);
    }),
  );
  t.diagnostic(`direction in the room, RMS: ${before.toFixed(1)} deg before, ${after.toFixed(2)} deg after`);
  assert.ok(after < 4 && before > 5 * after);
});

/** v of the body in the room's frame: q v q*, by the rotation matrix of a unit quaternion. */
function turned([x, y, z]: Vector3, [w, a, b, c]: readonly number[]): Vector3 {
  const [qw, qx, qy, qz] = [w!, a!, b!, c!];
  return [
    (1 - 2 * (qy * qy + qz * qz)) * x + 2 * (qx * qy - qw * qz) * y + 2 * (qx * qz + qw * qy) * z,
    2 * (qx * qy + qw * qz) * x + (1 - 2 * (qx * qx + qz * qz)) * y + 2 * (qy * qz - qw * qx) * z,
    2 * (qx * qz - qw * qy) * x + 2 * (qy * qz + qw * qx) * y + (1 - 2 * (qx * qx + qy * qy)) * z,
  ];
}

/** RMS angle to the mean direction, degrees. */
function angleDeg(vectors: readonly Vector3[]): number {
  const mean = [0, 1, 2].map((i) => vectors.reduce((sum, vector) => sum + vector[i]!, 0));
  const squares = vectors.map((vector) => {
    const dot = vector.reduce((sum, value, i) => sum + value * mean[i]!, 0);
    const cos = Math.min(1, dot / (Math.hypot(...vector) * Math.hypot(...mean)));
    return ((Math.acos(cos) * 180) / Math.PI) ** 2;
  });
  return Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
}
