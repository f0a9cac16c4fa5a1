import { CalibrationError, type Solution } from './types.js';

/** A steady reading beside what it should have been, in the channel's unit. */
export interface Point {
  readonly raw: number;
  /** Standard deviation of the readings that `raw` is the mean of. */
  readonly spread: number;
  readonly reference: number;
}

export const POINTS_MIN = 2;
export const POINTS_MAX = 5;
/** In noises, between two points: with means of ten readings the slope is then good to √2 / 100 / √10, half a percent. */
const APART = 100;
/** No part that works is further off; a wrong unit or swapped points are. */
const SCALE_MIN = 0.5;
const SCALE_MAX = 2;

/**
 * The straight line through two points, or nearest to up to five by least squares: true = scale × (raw - offset). `resolution` is what
 * the part can tell apart. Quality: `residual` (the farthest point from the line, in the channel's unit) and `noise`. Throws CalibrationError.
 */
export function fitLine(points: readonly Point[], resolution: number): Solution {
  if (points.length < POINTS_MIN || points.length > POINTS_MAX)
    throw new CalibrationError(`${points.length} points: ${POINTS_MIN} to ${POINTS_MAX} are wanted`);
  const noise = Math.max(resolution, ...points.map(({ spread }) => spread));
  refuseNear(points.map(({ raw }) => raw).sort(byValue), noise, 'readings');
  refuseNear(points.map(({ reference }) => reference).sort(byValue), noise, 'references');
  const [meanRaw, meanTrue] = [mean(points.map(({ raw }) => raw)), mean(points.map((p) => p.reference))];
  const dRaw = points.map(({ raw }) => raw - meanRaw);
  const products = dRaw.map((d, i) => d * (points[i]!.reference - meanTrue));
  const scale = mean(products) / mean(dRaw.map((d) => d * d));
  if (!(scale >= SCALE_MIN && scale <= SCALE_MAX)) {
    const what = `one unit read would be ${scale.toPrecision(3)} units in truth`;
    throw new CalibrationError(`${what}: were two references swapped, or one typed in another unit?`);
  }
  const offset = meanRaw - meanTrue / scale;
  const off = points.map(({ raw, reference }) => Math.abs(scale * (raw - offset) - reference));
  return { offset: [offset], matrix: [scale], quality: { residual: Math.max(...off), noise } };
}

function refuseNear(sorted: readonly number[], noise: number, what: string): void {
  const nearest = Math.min(...sorted.slice(1).map((value, i) => value - sorted[i]!));
  if (nearest >= APART * noise) return;
  throw new CalibrationError(
    `two ${what} are ${nearest.toPrecision(3)} apart, and the part's noise is ${noise.toPrecision(2)}: they must be ${(APART * noise).toPrecision(2)} apart at least`,
  );
}

const byValue = (a: number, b: number): number => a - b;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
