import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Channel, QUALITY, type Rows, type StreamDeclaration } from '../../drivers/contract/index.js';
import type { ChannelCorrection } from '../../runtime/calibration/index.js';
import type { PartConfig } from '../../runtime/config/types.js';
import { Outlet } from '../../runtime/sampler/outlet.js';

const axis = (name: string): Channel => ({
  name,
  quantity: 'magneticFluxDensity',
  type: { kind: 'decimal', scale: 1 },
  range: [-50, 50],
});
const DECLARED: readonly StreamDeclaration[] = [
  { name: '', class: 'bulk', channels: [axis('before'), axis('fieldX'), axis('fieldY'), axis('fieldZ')] },
  { name: 'other', class: 'bulk', channels: [axis('level')] },
];
const CONFIG = { id: 'compass', title: 'Compass', keep: true, intervalMs: 1000 } as PartConfig;
/** true = matrix × (raw - offset), worked out by hand below. */
const CORRECTION: ChannelCorrection = {
  stream: 'compass',
  channels: ['fieldX', 'fieldY', 'fieldZ'],
  offset: [1, 2, 3],
  matrix: [2, 0, 0, 0, 1, 1, 0, 0, 0.5],
  mark: '3-9f1c2a4b',
};

function rowsOf(values: readonly number[], quality: readonly number[] = [0, 0, 0, 0]): Rows {
  return {
    stream: '',
    timesNs: BigInt64Array.of(7n),
    values: Float64Array.from(values),
    quality: Uint8Array.from(quality),
  };
}

function rig() {
  const [emitted, raw]: [Rows[], number[][]] = [[], []];
  const outlet = new Outlet(
    CONFIG,
    DECLARED,
    (rows) => emitted.push(rows),
    (_stream, rows) => raw.push([...rows.values]),
  );
  return { outlet, emitted, raw };
}

test('rows are corrected before they are rounded and judged; who looks at raw ones sees them as they came', () => {
  const { outlet, emitted, raw } = rig();
  outlet.calibrate([CORRECTION]);
  outlet.take(rowsOf([9, 4.13, 5, 7]));
  // 2 × 3.13 = 6.26, to one digit 6.3; (5 - 2) + (7 - 3) = 7; 4 / 2 = 2.
  assert.deepEqual([...emitted[0]!.values], [9, 6.3, 7, 2]);
  assert.deepEqual(raw, [[9, 4.13, 5, 7]]);
  outlet.take(rowsOf([9, 40, 5, 7]));
  // 78 is beyond what the part can report, 40 was not.
  assert.deepEqual([...emitted[1]!.quality], [0, QUALITY.suspect, 0, 0]);
});

test('axes belong together: one that is absent or doubtful makes all three so, and no other channel', () => {
  const { outlet, emitted } = rig();
  outlet.calibrate([CORRECTION]);
  outlet.take(rowsOf([9, Number.NaN, 5, 7], [0, QUALITY.fault, 0, 0]));
  assert.deepEqual([...emitted[0]!.values], [9, Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual([...emitted[0]!.quality], [0, 3, 3, 3]);
  outlet.take(rowsOf([9, 4, 5, 7], [0, QUALITY.suspect, 0, 0]));
  assert.deepEqual([...emitted[1]!.quality], [0, 1, 1, 1]);
});

test('the title tells which calibrations a stream’s rows went through, and is the driver’s without one', () => {
  const { outlet, emitted } = rig();
  const titles = () => outlet.streams.map(({ title }) => title);
  assert.deepEqual(titles(), ['Compass', 'Compass: other']);
  outlet.calibrate([CORRECTION]);
  assert.deepEqual(titles(), ['Compass [calibration 3-9f1c2a4b]', 'Compass: other']);
  const other = { ...CORRECTION, channels: ['before'], offset: [0], matrix: [1], mark: '4-00000000' };
  outlet.calibrate([CORRECTION, other]);
  assert.equal(titles()[0], 'Compass [calibration 3-9f1c2a4b 4-00000000]');
  outlet.calibrate([]);
  outlet.take(rowsOf([9, 4, 5, 7]));
  assert.deepEqual([...emitted[0]!.values], [9, 4, 5, 7]);
  const long = new Outlet({ ...CONFIG, title: 'x'.repeat(256) }, DECLARED, () => undefined);
  long.calibrate([CORRECTION]);
  assert.ok(
    long.streams[0]!.title.length === 256 && long.streams[0]!.title.endsWith('[calibration 3-9f1c2a4b]'),
  );
});

test('a correction of channels that the part hasn’t got is refused, and all stays as it was', () => {
  const { outlet, emitted } = rig();
  assert.throws(() => outlet.calibrate([{ ...CORRECTION, channels: ['a', 'b', 'c'] }]), /no a, b, c/);
  assert.throws(
    () => outlet.calibrate([{ ...CORRECTION, stream: 'orientation' }]),
    /no stream 'orientation'/,
  );
  outlet.take(rowsOf([9, 4, 5, 7]));
  assert.deepEqual([...emitted[0]!.values], [9, 4, 5, 7]);
});
