import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel } from '../drivers/contract/index.js';
import type { NativeRows } from '../native/index.js';
import { seeded } from './measure.js';

export interface Series {
  readonly name: string;
  readonly channels: readonly Channel[];
  /** Blocks of rows, all good. */
  readonly blocks: readonly NativeRows[];
}

const AXES = 6;
const BLOCK_ROWS = 64;
const BLOCKS = 32;
const SCALE = 3;

/** A reading is a time and six channels of thousandths, every 10 ms: `walk` as slow quantities go, `noise` as an IMU at rest. */
export function walk(): Series {
  const gauss = gaussian(seeded(1));
  const level = new Array<number>(AXES).fill(0).map((_, axis) => 1000 * axis);
  return synthetic('random walk', regular, (axis) => {
    level[axis] = level[axis]! + 3 * gauss();
    return level[axis]!;
  });
}

export function noise(): Series {
  const gauss = gaussian(seeded(2));
  return synthetic('IMU noise', regular, (axis) => (axis === 2 ? 9807 : 0) + 8 * gauss());
}

/** The same walk, its times as a poll by a timer sees them: 0.2 ms late at the most, in whole ns. */
export function polled(): Series {
  const random = seeded(3);
  return {
    ...walk(),
    name: 'random walk, polled',
    blocks: walk().blocks.map((block) => late(block, random)),
  };
}

function late(block: NativeRows, random: () => number): NativeRows {
  const timesNs = block.timesNs.map((timeNs) => timeNs + BigInt(Math.floor(random() * 200_000)));
  return { ...block, timesNs };
}

const regular = (row: number) => 86_400_000_000_000n + BigInt(row) * 10_000_000n;

function synthetic(name: string, timeOf: (row: number) => bigint, next: (axis: number) => number): Series {
  const channels = ['X', 'Y', 'Z'].flatMap((axis): Channel[] => [
    { name: `accel${axis}`, quantity: 'acceleration', type: { kind: 'decimal', scale: SCALE } },
    { name: `gyro${axis}`, quantity: 'angularRate', type: { kind: 'decimal', scale: SCALE } },
  ]);
  const blocks = Array.from({ length: BLOCKS }, (_, block) => ({
    timesNs: BigInt64Array.from({ length: BLOCK_ROWS }, (_, row) => timeOf(block * BLOCK_ROWS + row)),
    values: Float64Array.from(
      { length: BLOCK_ROWS * AXES },
      (_, cell) => Math.round(next(cell % AXES)) / 10 ** SCALE,
    ),
    quality: new Uint8Array(BLOCK_ROWS * AXES),
  }));
  return { name, channels, blocks };
}

/** NAB's ambient temperature: hourly, eight decimals a value, of which the last are noise. */
export function ambientTemperature(): Series | undefined {
  const file = 'timeseries/ambient_temperature_system_failure.csv';
  const path = join(process.env.CAIRN_REAL_DATA ?? '../shared/data', file);
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').trim().split('\n').slice(1);
  const rows = lines.map((line) => line.split(','));
  const blocks: NativeRows[] = [];
  for (let from = 0; from + BLOCK_ROWS <= rows.length; from += BLOCK_ROWS) {
    const part = rows.slice(from, from + BLOCK_ROWS);
    blocks.push({
      timesNs: BigInt64Array.from(part, ([time]) => BigInt(Date.parse(`${time}Z`)) * 1_000_000n),
      values: Float64Array.from(part, ([, value]) => Number(value)),
      quality: new Uint8Array(BLOCK_ROWS),
    });
  }
  return {
    name: 'NAB temperature',
    channels: [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }],
    blocks,
  };
}

/** Standard normal, by Box and Muller. */
function gaussian(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
