import type { Channel, Rows } from '../drivers/contract/index.js';
import { openStore, type Store, type StreamSpec, storeDefaults } from '../runtime/store/index.js';
import { seeded } from './measure.js';

export const STREAM = 'imu';
export const AXES = 6;
/** A time and six doubles: what a reading is before anybody packs it. */
export const READING_BYTES = 8 + 8 * AXES;

const CHANNELS: readonly Channel[] = ['accelX', 'accelY', 'accelZ', 'gyroX', 'gyroY', 'gyroZ'].map(
  (name) => ({
    name,
    quantity: name.startsWith('a') ? 'acceleration' : 'angularRate',
    type: { kind: 'decimal', scale: 3 },
  }),
);

/** A store as a node has it, on the real disk, that commits when it is told to; `streams` of six axes are declared. */
export async function openBenchStore(path: string, streams: readonly string[]): Promise<Store> {
  const store = await openStore({
    path,
    node: '0123456789abcdef',
    machineId: 'bench',
    bootId: '11111111-1111-1111-1111-111111111111',
    software: 'bench',
    sizeBytes: 256 * 1024 * 1024,
    quotaPercent: { alarm: 10, event: 10, telemetry: 40, bulk: 20, log: 10 },
    commitIntervalMs: 3_600_000,
    reserveAheadMs: 60_000,
    memoryBytes: 16 * 1024 * 1024,
    deps: storeDefaults((level, text) => {
      if (level !== 'info') process.stderr.write(`bench: ${text}\n`);
    }),
  });
  for (const name of streams) store.declare(benchStream(name));
  return store;
}

/** Six axes of thousandths. */
export function benchStream(name: string): StreamSpec {
  return { name, title: 'bench', class: 'telemetry', channels: CHANNELS };
}

/** Rows of a noisy rest at 100 Hz, one batch after another. */
export function rowMaker(stream: string, count: number): () => Rows {
  const random = seeded(5);
  let timeNs = 0n;
  return () => ({
    stream,
    timesNs: BigInt64Array.from({ length: count }, () => (timeNs += 10_000_000n)),
    values: Float64Array.from({ length: count * AXES }, () => Math.round((random() - 0.5) * 60) / 1000),
    quality: new Uint8Array(count * AXES),
  });
}
