import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalibrationError, fitLine, isSteady, stillOf, trendOf } from '../../runtime/calibration/index.js';

const RESOLUTION = 0.008;
const point = (raw: number, reference: number, spread = 0.005) => ({ raw, reference, spread });

test('two points give the line through them: ice reads 0.8 and boiling water 98.3', () => {
  // By hand: 99.2 / (98.3 - 0.8) = 1.017436, and 0.8 - 0 / 1.017436 = 0.8.
  const { matrix, offset, quality } = fitLine([point(0.8, 0), point(98.3, 99.2)], RESOLUTION);
  assert.ok(Math.abs(matrix[0]! - 99.2 / 97.5) < 1e-12);
  assert.ok(Math.abs(offset[0]! - 0.8) < 1e-12);
  assert.ok(quality.residual! < 1e-12);
  assert.equal(quality.noise, RESOLUTION);
});

test('three points: least squares, and how far the farthest is from the line', () => {
  // y = 1, 2, 4 at x = 1, 2, 3: slope 1.5, mean (2, 7/3); residuals 1/6, -1/3, 1/6.
  const { matrix, offset, quality } = fitLine([point(1, 1), point(2, 2), point(3, 4)], RESOLUTION);
  assert.ok(Math.abs(matrix[0]! - 1.5) < 1e-12);
  assert.ok(Math.abs(offset[0]! - (2 - 7 / 3 / 1.5)) < 1e-12);
  assert.ok(Math.abs(quality.residual! - 1 / 3) < 1e-12);
});

test('points too near for the noise, one point, and a slope that no part has are refused', () => {
  const refused = (points: Parameters<typeof fitLine>[0], why: RegExp) =>
    assert.throws(
      () => fitLine(points, RESOLUTION),
      (error: Error) => error instanceof CalibrationError && why.test(error.message),
    );
  refused([point(20, 20), point(20.15, 20.2)], /readings are 0\.150 apart.*0\.80 apart at least/);
  refused([point(20, 20, 0.5), point(25, 25, 0.5)], /noise is 0\.50/);
  refused([point(0, 10), point(50, 10)], /references are 0\.00 apart/);
  refused([point(0, 0)], /1 points/);
  refused([point(0, 50), point(50, 0)], /swapped/);
  refused([point(0, 32), point(50, 150)], /one unit read would be 2\.36 units in truth.*another unit/);
});

test('a reading that settles is not steady, one that only has noise is', () => {
  const noise = [0.01, -0.02, 0.015, 0, -0.01, 0.02, -0.015, 0.005, -0.005, 0.01];
  assert.ok(isSteady(noise, 0.001));
  const settling = noise.map((value, i) => value + 20 * Math.exp(-i / 5));
  assert.ok(!isSteady(settling, 0.001));
  assert.ok(isSteady(new Array(10).fill(4), 0.001), 'a part that shows no noise at all');
  // A line of slope 2 over five readings.
  const { change, spread } = trendOf([1, 3, 5, 7, 9]);
  assert.ok(Math.abs(change - 8) < 1e-12 && spread < 1e-12);
  assert.deepEqual(
    stillOf([
      [1, 10],
      [3, 10],
    ]),
    { mean: [2, 10], spread: [Math.SQRT2, 0], count: 2 },
  );
});
