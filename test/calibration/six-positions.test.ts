import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CalibrationError,
  fitSixPositions,
  POSITIONS,
  type Still,
  stillOf,
} from '../../runtime/calibration/index.js';
import { seeded } from '../board/fixture.js';

const G = 9.80665;
const SEED = 20261122;
/** What the part makes of the truth: scale, cross axes, offset. */
const MATRIX = [
  [1.02, 0.01, -0.004],
  [-0.008, 0.985, 0.012],
  [0.005, -0.01, 1.01],
];
const OFFSET = [0.35, -0.2, 0.6];

const UPS = [
  [G, 0, 0],
  [-G, 0, 0],
  [0, G, 0],
  [0, -G, 0],
  [0, 0, G],
  [0, 0, -G],
];

const distort = (truth: readonly number[]) =>
  MATRIX.map((row, i) => row.reduce((sum, m, j) => sum + m * truth[j]!, OFFSET[i]!));

function still(truth: readonly number[], random: () => number, noise = 0.02): Still {
  const rows = Array.from({ length: 50 }, () =>
    distort(truth).map((value) => value + (random() - 0.5) * 2 * noise),
  );
  return stillOf(rows);
}

/** matrix × (raw - offset), written out once more. */
function correct(
  { matrix, offset }: { matrix: readonly number[]; offset: readonly number[] },
  raw: number[],
) {
  const [a, b, c] = raw.map((value, i) => value - offset[i]!) as [number, number, number];
  return [0, 3, 6].map((at) => matrix[at]! * a + matrix[at + 1]! * b + matrix[at + 2]! * c);
}

const refuses = (stills: readonly Still[], why: RegExp) =>
  assert.throws(
    () => fitSixPositions(stills),
    (error: Error) => error instanceof CalibrationError && why.test(error.message),
  );

test('six positions of a part with scale, cross axes and offset give back the truth in any direction', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = seeded(SEED);
  const found = fitSixPositions(UPS.map((up) => still(up, random)));
  for (const truth of [[1, 2, 3], [-7, 0.5, 6], ...UPS]) {
    const back = correct(found, distort(truth));
    for (const [i, value] of back.entries())
      assert.ok(Math.abs(value - truth[i]!) < 0.01, `${back} for ${truth}`);
  }
  assert.ok(Math.abs(found.offset[0]! - OFFSET[0]!) < 0.01);
  assert.equal(found.quality.crossAxes, 1);
  assert.ok(found.quality.residualMps2! < 0.01);
  assert.ok(found.quality.rawGravityErrorMps2! > 0.5 && found.quality.gravityErrorMps2! < 0.01);
});

test('laid askew by two degrees: the cross axes are left alone, scale and offset hold', (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = seeded(SEED);
  const sin = Math.sin((2 * Math.PI) / 180);
  const cos = Math.cos((2 * Math.PI) / 180);
  // Each one towards another side, as hands do it.
  const tilted = [
    [G * cos, G * sin, 0],
    [-G * cos, 0, G * sin],
    [G * sin, G * cos, 0],
    [0, -G * cos, -G * sin],
    [0, G * sin, G * cos],
    [G * sin, 0, -G * cos],
  ];
  const found = fitSixPositions(tilted.map((up) => still(up, random)));
  assert.equal(found.quality.crossAxes, 0);
  assert.deepEqual(
    [1, 2, 3, 5, 6, 7].map((i) => found.matrix[i]),
    [0, 0, 0, 0, 0, 0],
  );
  for (const axis of [0, 1, 2])
    assert.ok(Math.abs(found.matrix[4 * axis]! * MATRIX[axis]![axis]! - 1) < 0.002, `${found.matrix}`);
});

test('a position that is missing, measured twice, moving, askew or no gravity is refused, with its name', () => {
  const random = seeded(SEED);
  const six = UPS.map((up) => still(up, random));
  assert.equal(POSITIONS.length, six.length);
  refuses(six.slice(1), /not measured: \+x up/);
  refuses([...six.slice(0, 5), six[0]!], /\+x up was measured twice/);
  refuses([...six.slice(0, 5), still(UPS[5]!, random, 2)], /it moved/);
  refuses([...six.slice(0, 5), still([0, G * 0.7, -G * 0.7], random)], /askew/);
  refuses([...six.slice(0, 5), still([0, 0, -G / 2], random)], /gravity is 9\.81/);
});
