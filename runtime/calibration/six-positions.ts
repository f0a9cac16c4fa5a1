import { corrected, type Matrix, NormalEquations, norm, solve, type Vector3 } from './linear.js';
import type { Still } from './still.js';
import { CalibrationError, type Solution } from './types.js';

/** Which axis points up: a part lying flat reads +g on it. */
export const POSITIONS = ['+x', '-x', '+y', '-y', '+z', '-z'] as const;
export type Position = (typeof POSITIONS)[number];

/** Standard gravity, m/s² (CGPM 1901). At the equator it is 9.780, at the poles 9.832: the scale is good to 0.3 %. */
export const GRAVITY_MPS2 = 9.80665;
/** Parts are made to ±5 % at the worst, and to offsets of 1 m/s². */
const GRAVITY_OFF_MAX = 0.15;
/** More than any part's noise, less than a hand's. */
export const STILL_MPS2 = 0.1;
/** An axis within 25° of upright is the one that is meant. */
const UPRIGHT = Math.cos((25 * Math.PI) / 180);
/** Six positions that agree within this, 0.3° of tilt, say something of the cross axes; others say more of the hand that laid them. */
const AGREE_MPS2 = 0.05;

/** Which position a still average is of; undefined where none is meant: it stands askew. */
export function positionOf({ mean }: Still): Position | undefined {
  const length = norm(mean);
  const axis = mean.findIndex((value) => Math.abs(value) >= UPRIGHT * length);
  return axis < 0 ? undefined : POSITIONS[2 * axis + (mean[axis]! < 0 ? 1 : 0)];
}

/** Throws CalibrationError for an average that moved, is no gravity, or stands askew. */
export function checkPosition(still: Still): Position {
  const most = Math.max(...still.spread);
  if (most > STILL_MPS2)
    throw new CalibrationError(`it moved: its readings spread by ${most.toFixed(2)} m/s2; lay it on a table`);
  const g = norm(still.mean);
  if (Math.abs(g / GRAVITY_MPS2 - 1) > GRAVITY_OFF_MAX) {
    const what = `it feels ${g.toFixed(2)} m/s2 where gravity is ${GRAVITY_MPS2.toFixed(2)}`;
    throw new CalibrationError(`${what}: it moves evenly, or the part is broken or set to a wrong range`);
  }
  const position = positionOf(still);
  if (!position) throw new CalibrationError('it stands askew: no axis is upright within 25 degrees');
  return position;
}

/**
 * A 3×3 matrix and offset (m/s²) from still averages of the six positions, by least squares over reference = matrix × raw + c. Where the
 * positions disagree by more than a level table's, cross axes are left alone and each axis gets scale and offset from its own two
 * positions, which a tilt t hurts by 1 - cos t only. Quality: `residualMps2` (RMS), `gravityErrorMps2` (largest error of |g| over the
 * positions, after), `rawGravityErrorMps2` (before), `crossAxes` (1 or 0). Throws CalibrationError.
 */
export function fitSixPositions(stills: readonly Still[]): Solution {
  const byPosition = sorted(stills);
  const raws = POSITIONS.map((position) => byPosition.get(position)!.mean as Vector3);
  const full = fullFit(raws);
  const isFull = full !== undefined && residual(full, raws) <= AGREE_MPS2;
  const found = isFull ? full : axisByAxis(raws);
  return {
    ...found,
    quality: {
      residualMps2: residual(found, raws),
      gravityErrorMps2: gravityError(raws.map((raw) => corrected(found.matrix, found.offset, raw))),
      rawGravityErrorMps2: gravityError(raws),
      crossAxes: isFull ? 1 : 0,
    },
  };
}

function sorted(stills: readonly Still[]): ReadonlyMap<Position, Still> {
  const found = new Map<Position, Still>();
  for (const still of stills) {
    const position = checkPosition(still);
    if (found.has(position)) throw new CalibrationError(`${position} up was measured twice`);
    found.set(position, still);
  }
  const missing = POSITIONS.filter((position) => !found.has(position));
  if (missing.length > 0) throw new CalibrationError(`not measured: ${missing.join(', ')} up`);
  return found;
}

type Found = Pick<Solution, 'offset' | 'matrix'>;

const REFERENCES: readonly Vector3[] = POSITIONS.map((_, i) => {
  const g = i % 2 === 0 ? GRAVITY_MPS2 : -GRAVITY_MPS2;
  const axis = i >> 1;
  return [axis === 0 ? g : 0, axis === 1 ? g : 0, axis === 2 ? g : 0];
});

/** Each row of the matrix with its constant is a least-squares problem of four unknowns and six equations. */
function fullFit(raws: readonly Vector3[]): Found | undefined {
  const rows = [0, 1, 2].map((axis) => {
    const equations = new NormalEquations(4);
    for (const [i, raw] of raws.entries()) equations.add([...raw, 1], REFERENCES[i]![axis]!);
    return equations.solve();
  });
  if (rows.some((row) => row === undefined)) return undefined;
  const matrix: Matrix = rows.map((row) => row!.slice(0, 3));
  const offset = solve(
    matrix,
    rows.map((row) => -row![3]!),
  );
  return offset && { offset, matrix: matrix.flat() };
}

function axisByAxis(raws: readonly Vector3[]): Found {
  const pairs = [0, 1, 2].map((axis) => [raws[2 * axis]![axis]!, raws[2 * axis + 1]![axis]!] as const);
  const scale = pairs.map(([up, down]) => (2 * GRAVITY_MPS2) / (up - down));
  const matrix = [scale[0]!, 0, 0, 0, scale[1]!, 0, 0, 0, scale[2]!];
  return { offset: pairs.map(([up, down]) => (up + down) / 2), matrix };
}

/** RMS over all components, m/s². */
function residual({ matrix, offset }: Found, raws: readonly Vector3[]): number {
  const squares = raws.flatMap((raw, i) =>
    corrected(matrix, offset, raw).map((value, axis) => (value - REFERENCES[i]![axis]!) ** 2),
  );
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
}

function gravityError(vectors: readonly Vector3[]): number {
  return Math.max(...vectors.map((vector) => Math.abs(norm(vector) - GRAVITY_MPS2)));
}
