import { type Channel, QUALITY, type Rows } from '../../drivers/contract/index.js';

/** Rows that are taken through native code at once: the scratch arrays are this long. */
export const SLICE_ROWS = 512;

export type Axes = readonly [x: number, y: number, z: number];

/** Where `accelX`, `accelY`, `accelZ` (or another stem) stand among a stream's channels. */
export function findAxes(channels: readonly Channel[], stem: string): Axes | undefined {
  const at = (axis: string) => channels.findIndex((channel) => channel.name === stem + axis);
  const axes: Axes = [at('X'), at('Y'), at('Z')];
  return axes.every((index) => index >= 0) ? axes : undefined;
}

/**
 * One vector of a row into `out` at `at`. A value that is absent or stale makes all three NaN: a part that is stuck must not
 * pass for a body that lies still.
 */
export function copyVector(rows: Rows, row: number, axes: Axes, out: Float64Array, at: number): void {
  const base = row * (rows.values.length / rows.timesNs.length);
  const usable = axes.every((index) => (rows.quality[base + index] ?? QUALITY.fault) < QUALITY.stale);
  for (let i = 0; i < 3; i++) out[at + i] = usable ? rows.values[base + axes[i]!]! : Number.NaN;
}

/** To a decimal's scale, half away from zero. */
export function roundTo(value: number, scale: number): number {
  const unit = 10 ** scale;
  return (Math.sign(value) * Math.round(Math.abs(value) * unit)) / unit + 0;
}
