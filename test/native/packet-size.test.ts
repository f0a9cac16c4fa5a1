import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ColumnType, native } from '../../native/index.js';
import { realData } from './paths.js';

/**
 * How many bytes a reading takes, header and CRC included, against what others took for the same (measured side by side: delta and
 * Rice 4.05 bytes for a random walk of 6 channels and a time in blocks of 64, 10.0 for the slow series).
 */
const HEADER = {
  node: '00112233aabbccdd',
  epoch: 'fedcba9876543210',
  stream: 'imu',
  boot: 1,
  descriptorVersion: 1,
} as const;

interface Series {
  readonly columns: readonly ColumnType[];
  readonly timesNs: BigInt64Array;
  readonly values: Float64Array;
}

/** Bytes a reading, in blocks of `rows`; each block is decoded and compared bit by bit. */
function bytesPerReading(series: Series, rows: number): number {
  const width = series.columns.length;
  let bytes = 0;
  let readings = 0;
  for (; readings + rows <= series.timesNs.length; readings += rows) {
    const values = series.values.slice(readings * width, (readings + rows) * width);
    const timesNs = series.timesNs.slice(readings, readings + rows);
    const block = native.encodeBlock({ ...HEADER, first: readings }, series.columns, {
      timesNs,
      values,
      quality: new Uint8Array(values.length),
    });
    const back = native.decodeBlock(block);
    assert.deepEqual(new BigInt64Array(back.values.buffer), new BigInt64Array(values.buffer));
    assert.deepEqual(back.timesNs, timesNs);
    bytes += block.length;
  }
  return bytes / readings;
}

/** mulberry32: the same series on every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(1);
const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** 100 Hz with a clock that jitters by µs, six channels of raw counts. */
function synthetic(value: (row: number, channel: number) => number): Series {
  const rows = 4096;
  return {
    columns: new Array<ColumnType>(6).fill({ kind: 'int' }),
    timesNs: BigInt64Array.from({ length: rows }, (_, i) =>
      BigInt(i * 10_000_000 + 1000 * Math.round(gauss() * 3)),
    ),
    values: Float64Array.from({ length: rows * 6 }, (_, i) => value(Math.floor(i / 6), i % 6)),
  };
}

test('a random walk of six channels takes less than delta and Rice alone', (t) => {
  const walk = new Array<number>(6).fill(0);
  const series = synthetic((_, channel) => {
    walk[channel]! += Math.round(gauss() * 2);
    return walk[channel]! + 0;
  });
  const bytes = bytesPerReading(series, 64);
  t.diagnostic(`random walk, 6 channels, µs jitter, 64 rows: ${bytes.toFixed(2)} bytes a reading`);
  assert.ok(bytes < 5.4, `${bytes} bytes a reading`);
});

test('an IMU in motion', (t) => {
  const series = synthetic(
    (row, channel) => Math.round(200 * Math.sin(row / 50 + channel) + gauss() * 8) + 0,
  );
  const bytes = [64, 256].map((rows) => bytesPerReading(series, rows));
  t.diagnostic(
    `IMU, 6 channels, 64 and 256 rows: ${bytes.map((b) => b.toFixed(2)).join(', ')} bytes a reading`,
  );
  assert.ok(bytes[0]! < 6.5 && bytes[1]! < 5.4);
});

const nab = realData('timeseries/ambient_temperature_system_failure.csv');

test('a year of a real temperature: as recorded, and at the resolution of a part', {
  skip: nab.skip,
}, (t) => {
  const lines = readFileSync(nab.path, 'utf8').trim().split('\n').slice(1);
  const cells = lines.map((line) => line.split(',') as [string, string]);
  const timesNs = BigInt64Array.from(
    cells,
    ([time]) => BigInt(Date.parse(`${time.replace(' ', 'T')}Z`)) * 1_000_000n,
  );
  const raw = Float64Array.from(cells, ([, value]) => Number(value));
  const asRecorded = bytesPerReading({ columns: [{ kind: 'f64' }], timesNs, values: raw }, 256);
  const rounded = raw.map((value) => Math.round(value * 100) / 100);
  const decimal = bytesPerReading(
    { columns: [{ kind: 'decimal', scale: 2 }], timesNs, values: rounded },
    256,
  );
  t.diagnostic(
    `NAB, 256 rows: ${asRecorded.toFixed(2)} bytes a reading as f64, ${decimal.toFixed(2)} as decimal(2)`,
  );
  assert.ok(asRecorded < 6.31, 'less than the plain entropy of the bytes');
  assert.ok(decimal < 1.6);
});
