import { corrected, NormalEquations, norm, solve, symmetricEigen, type Vector3 } from './linear.js';
import { CalibrationError, type Solution } from './types.js';

/** Nine unknowns, and noise to be averaged out. */
export const FIELD_POINTS_MIN = 100;
/** Beyond, every other one goes. */
const FIELD_POINTS_MAX = 2000;
/** Of the box that holds all points: a part that lies still gives noise about one point, which must not outweigh the others. */
const NEAR = 0.02;
/** Of the 24 sectors of the sphere: six faces of a cube, four quarters each. */
export const SECTORS = 24;
export const SECTORS_MIN = 18;
/** RMS of |field|, of the field. A good part gives under 2 %; iron that moves with the hand and not with the part gives more. */
const RESIDUAL_MAX_PERCENT = 5;
/** Of the design matrix, centred and scaled: about 4 for points all over the sphere, beyond 100 for a ring. */
const CONDITION_MAX = 50;
/** The longest semi-axis to the shortest. No soft iron that one would leave in place does more. */
const STRETCH_MAX = 3;

/** Readings as they come, those left out that say nothing new. */
export class FieldPoints {
  #points: Vector3[] = [];
  #low = [Infinity, Infinity, Infinity];
  #high = [-Infinity, -Infinity, -Infinity];

  get points(): readonly Vector3[] {
    return this.#points;
  }

  add(point: Vector3): void {
    this.#low = this.#low.map((value, i) => Math.min(value, point[i]!));
    this.#high = this.#high.map((value, i) => Math.max(value, point[i]!));
    const last = this.#points.at(-1);
    const size = norm(this.#high.map((value, i) => value - this.#low[i]!));
    if (last && norm(point.map((value, i) => value - last[i]!)) < NEAR * size) return;
    this.#points.push(point);
    if (this.#points.length > FIELD_POINTS_MAX) this.#points = this.#points.filter((_, i) => i % 2 === 0);
  }
}

/** How it stands while points come in; the fit, where there are points enough for one. */
export interface FieldProgress {
  readonly points: number;
  /** Sectors of the sphere that have a point. */
  readonly sectors: number;
  readonly solution: Solution | undefined;
  /** What keeps it from being good; undefined once it is. */
  readonly lacks: string | undefined;
}

/**
 * Hard and soft iron from readings of a magnetometer that is turned all ways in one place: the ellipsoid x'Ax + b'x = 1 by linear least
 * squares (Merayo et al., Scalar calibration of vector magnetometers, Meas. Sci. Technol. 11 (2000) 120), over points that are centred and scaled first,
 * which makes the constant 1 safe and the condition good. The matrix is the symmetric root of A, which turns nothing, with the
 * determinant 1: the field keeps its mean strength, since nobody told a better one. Quality: `residualPercent` (RMS of |field| after, of the
 * field), `rawResidualPercent` (before), `fieldTesla`, `condition`, `stretch` (longest semi-axis to shortest), `sectors`. Throws CalibrationError.
 */
export function fitEllipsoid(points: readonly Vector3[]): Solution {
  const { solution, lacks } = fieldProgress(points);
  if (!solution || lacks !== undefined) throw new CalibrationError(lacks ?? 'there is no ellipsoid');
  return solution;
}

/** Never throws: what is lacking is said. */
export function fieldProgress(points: readonly Vector3[]): FieldProgress {
  const solution = points.length < FIELD_POINTS_MIN ? undefined : fit(points);
  const offset = solution?.offset ?? middleOf(points);
  const sectors = sectorsOf(points, offset);
  const whole = solution && { ...solution, quality: { ...solution.quality, sectors } };
  return { points: points.length, sectors, solution: whole, lacks: lacking(points.length, sectors, whole) };
}

function lacking(points: number, sectors: number, solution: Solution | undefined): string | undefined {
  if (points < FIELD_POINTS_MIN) return `${FIELD_POINTS_MIN - points} more`;
  if (sectors < SECTORS_MIN || !solution) return 'more directions: turn it upside down and on its sides';
  const { condition, stretch, residualPercent } = solution.quality;
  if (condition! > CONDITION_MAX) return 'more directions: they lie in one plane so far';
  if (stretch! > STRETCH_MAX) return `less iron near: it reads one way ${stretch!.toFixed(1)} times another`;
  if (residualPercent! > RESIDUAL_MAX_PERCENT)
    return `a steadier field: it varies by ${residualPercent!.toFixed(1)} %; keep away from iron, motors, phones`;
  return undefined;
}

/** The direction's face of a cube about the centre, and its quarter of that face. */
function sectorOf(direction: readonly number[]): number {
  const sizes = direction.map(Math.abs);
  const face = sizes.indexOf(Math.max(...sizes));
  const signs = direction.map((value) => (value < 0 ? 1 : 0));
  return face * 8 + signs[0]! * 4 + signs[1]! * 2 + signs[2]!;
}

function sectorsOf(points: readonly Vector3[], centre: readonly number[]): number {
  return new Set(points.map((point) => sectorOf(point.map((value, i) => value - centre[i]!)))).size;
}

/** Of the box that holds all points. */
function middleOf(points: readonly Vector3[]): readonly number[] {
  return [0, 1, 2].map((axis) => {
    const values = points.map((point) => point[axis]!);
    return values.length === 0 ? 0 : (Math.min(...values) + Math.max(...values)) / 2;
  });
}

function fit(points: readonly Vector3[]): Solution | undefined {
  const middle = middleOf(points);
  const size = Math.max(...points.map((point) => norm(point.map((value, i) => value - middle[i]!))));
  if (!(size > 0)) return undefined;
  const equations = new NormalEquations(9);
  for (const point of points) {
    const [x, y, z] = point.map((value, i) => (value - middle[i]!) / size) as [number, number, number];
    equations.add([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z, 2 * x, 2 * y, 2 * z], 1);
  }
  const shape = equations.solve();
  const found = shape && rootOf(shape);
  if (!found) return undefined;
  const offset = found.centre.map((value, i) => middle[i]! + value * size);
  const { matrix, stretch } = found;
  const after = points.map((point) => norm(corrected(matrix, offset, point)));
  const quality = {
    residualPercent: spreadPercent(after),
    rawResidualPercent: spreadPercent(points.map(norm)),
    fieldTesla: after.reduce((sum, value) => sum + value, 0) / after.length,
    condition: equations.condition(),
    stretch,
  };
  return { offset, matrix, quality };
}

/** Centre and symmetric root, determinant 1, of the quadric; undefined where it is no ellipsoid. */
function rootOf(shape: readonly number[]) {
  const [xx, yy, zz, xy, xz, yz, x, y, z] = shape as [
    ...[number, number, number, number, number, number],
    ...[number, number, number],
  ];
  const a = [
    [xx, xy, xz],
    [xy, yy, yz],
    [xz, yz, zz],
  ];
  const centre = solve(a, [-x, -y, -z]);
  const { values, vectors } = symmetricEigen(a);
  if (!centre || !values.every((value) => value > 0)) return undefined;
  const roots = values.map(Math.sqrt);
  const mean = Math.cbrt(roots[0]! * roots[1]! * roots[2]!);
  const entry = (i: number, j: number) =>
    roots.reduce((sum, root, k) => sum + (vectors[i]![k]! * vectors[j]![k]! * root) / mean, 0);
  const matrix = [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => entry(i, j)));
  return { centre, matrix, stretch: Math.max(...roots) / Math.min(...roots) };
}

function spreadPercent(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return (100 * Math.sqrt(squares / values.length)) / mean;
}
