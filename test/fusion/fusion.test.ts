import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneRow, QUALITY, type Rows } from '../../drivers/contract/index.js';
import { MOTION_EVENTS } from '../../native/index.js';
import { fusionStreams } from '../../runtime/fusion/index.js';
import {
  batch,
  CONFIG,
  fieldRow,
  G,
  hold,
  IMU,
  REST,
  type Rig,
  rest,
  rig,
  type Sample,
  walk,
} from './support.js';

interface Event {
  readonly name: string;
  readonly peak: number;
  readonly atS: number;
}

/** What stands in an event stream, as a reader of the descriptor would understand it. */
function eventsOf(to: Rig, stream: string): Event[] {
  return to.rowsOf(stream).flatMap((rows) =>
    Array.from(rows.timesNs, (timeNs, i) => ({
      name: MOTION_EVENTS[rows.values[2 * i]!]!,
      peak: rows.values[2 * i + 1]!,
      atS: Number(timeNs) / 1e9,
    })),
  );
}
/** 90° about the vertical, to four decimals. */
const QUARTER_TURN = [Math.SQRT1_2, 0, 0, Math.SQRT1_2].map((value) => Number(value.toFixed(4)));
const names = (events: readonly Event[]) => events.map((event) => event.name);

test('without a configuration rows pass as they are and nothing is added', () => {
  const to = rig(undefined, { ...IMU, keep: true });
  const rows = batch(0n, [REST]);
  to.fusion.take(rows);
  const climate = oneRow('climate', 5n, [20]);
  to.fusion.take(climate);
  assert.deepEqual(to.out, [rows, climate]);
  assert.equal(to.out[0], rows);
  assert.deepEqual(fusionStreams(undefined), []);
});

test('kept rows go first and unchanged; rows for fusion only are not passed on', () => {
  const kept = rig(CONFIG, { ...IMU, keep: true });
  const rows = batch(0n, [REST]);
  kept.fusion.take(rows);
  assert.equal(kept.out[0], rows);
  assert.deepEqual(
    kept.out.map((one) => one.stream),
    ['imu', 'orientation'],
  );
  const consumed = rig(CONFIG);
  consumed.fusion.take(batch(0n, [REST]));
  assert.deepEqual(
    consumed.out.map((one) => one.stream),
    ['orientation'],
  );
});

test('rows of a stream that nobody declared pass', () => {
  const to = rig(CONFIG);
  const rows = oneRow('gps', 1n, [1, 2]);
  to.fusion.take(rows);
  assert.deepEqual(to.out, [rows]);
});

test('still, moving, still: events and the word to the sampler', () => {
  const to = rig(CONFIG);
  rest(to, 0, 3);
  walk(to, 3, 3);
  rest(to, 6, 3);
  assert.deepEqual(to.states, ['still', 'moving', 'still']);
  const events = eventsOf(to, 'motion');
  assert.deepEqual(names(events), ['still', 'moving', 'still']);
  assert.ok(Math.abs(events[1]!.atS - 3.2) < 0.2);
  assert.deepEqual(to.rowsOf('motion.alarm'), []);
});

test('a fall, its impact and the stillness after it are alarms, in order', () => {
  const to = rig(CONFIG);
  walk(to, 0, 3);
  hold(to, 3, 0.5, (i) => [0, 0, 0, 0, 0, i < 30 ? 0.1 : i === 30 ? 83.456 : G]);
  rest(to, 3.5, 15);
  const alarms = eventsOf(to, 'motion.alarm');
  assert.deepEqual(names(alarms), ['freeFall', 'shock', 'noMotion']);
  assert.equal(alarms[0]!.peak, 0.1);
  assert.equal(alarms[1]!.peak, 83.46); // decimal(2)
  assert.ok(Math.abs(alarms[2]!.atS - 13.35) < 0.3, `${alarms[2]!.atS}`); // 10 s after the impact
  assert.deepEqual(names(eventsOf(to, 'motion')), ['moving', 'freeFall', 'shock', 'still', 'noMotion']);
  walk(to, 18.5, 2);
  assert.equal(names(eventsOf(to, 'motion')).at(-1), 'motionAgain');
  const times = to.rowsOf('motion').flatMap((rows) => [...rows.timesNs]);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => Number(a - b)),
  );
});

test('a stuck or absent accelerometer does not pass for a body that lies still', () => {
  for (const quality of [QUALITY.stale, QUALITY.fault]) {
    const to = rig(CONFIG);
    walk(to, 0, 3);
    for (let i = 0; i < 30; i++) {
      const samples = new Array<Sample>(100).fill(REST);
      to.fusion.take(batch(BigInt(3 + i) * 1_000_000_000n, samples, quality));
    }
    assert.deepEqual(to.states, ['moving']);
    assert.deepEqual(to.rowsOf('motion.alarm'), []);
  }
});

test('orientation is stored once an interval, as unit quaternions of four decimals', () => {
  const to = rig(CONFIG);
  hold(to, 0, 5, () => [0, 0, Math.PI / 8, 0, 0, G]); // 22.5°/s about the vertical
  const rows = to.rowsOf('orientation');
  const times = rows.flatMap((one) => [...one.timesNs].map(Number));
  assert.deepEqual(times, [0, 1e9, 2e9, 3e9, 4e9]);
  const [w, x, y, z] = rows.at(-1)!.values;
  // After 4 s: 90° about z, so w = z = √½.
  assert.deepEqual([w, x, y, z], QUARTER_TURN);
});

test('orientation never, when the interval is 0', () => {
  const config = { ...CONFIG, orientationIntervalMs: 0 };
  const to = rig(config);
  rest(to, 0, 3);
  assert.deepEqual(to.rowsOf('orientation'), []);
  assert.ok(!fusionStreams(config).some((stream) => stream.name === 'orientation'));
});

test('a magnetometer slower than the inertial part gives the north', () => {
  const to = rig({ ...CONFIG, magnetometer: 'compass' });
  for (let s = 0; s < 10; s++) {
    for (let i = 0; i < 10; i++) {
      const timeNs = BigInt(s * 10 + i) * 100_000_000n;
      to.fusion.take(fieldRow(timeNs, 20e-6, 0, -45e-6)); // north lies along the body's x: it faces -90° from ENU's y
      to.fusion.take(batch(timeNs, new Array<Sample>(10).fill(REST)));
    }
  }
  const last = to.rowsOf('orientation').at(-1)!;
  // Body x points north (earth y): turned by +90° about the vertical.
  assert.deepEqual([...last.values], QUARTER_TURN);
  assert.deepEqual([...last.quality], new Array(4).fill(QUALITY.good));
  assert.equal(to.rowsOf('compass').length, 100);
});

test('without a fresh field the orientation is suspect', () => {
  const to = rig({ ...CONFIG, magnetometer: 'compass' });
  const quality: number[] = [];
  to.fusion.take(fieldRow(0n, 20e-6, 0, -45e-6));
  rest(to, 0, 3);
  for (const rows of to.rowsOf('orientation')) quality.push(rows.quality[0]!);
  assert.deepEqual(quality, [QUALITY.good, QUALITY.suspect, QUALITY.suspect]);
  const late = rig({ ...CONFIG, magnetometer: 'compass' });
  late.fusion.take(fieldRow(0n, 20e-6, 0, -45e-6)); // half a second old when the first sample comes
  rest(late, 0.6, 1);
  assert.deepEqual(late.rowsOf('orientation')[0]!.quality[0], QUALITY.suspect);
});

test('a batch longer than a slice gives the same as many short ones', () => {
  const samples = Array.from(
    { length: 3000 },
    (_, i): Sample => [0.2, -0.1, 0.3, 0.3, 0.2, G + (i > 1000 ? 3 * Math.sin(i / 8) : 0)],
  );
  const long = rig({ ...CONFIG, orientationIntervalMs: 10 });
  long.fusion.take(batch(0n, samples));
  const short = rig({ ...CONFIG, orientationIntervalMs: 10 });
  for (let i = 0; i < 3000; i += 100) {
    short.fusion.take(batch(BigInt(i) * 10_000_000n, samples.slice(i, i + 100)));
  }
  const flat = (rows: readonly Rows[]) => rows.flatMap((one) => [...one.timesNs, ...one.values]);
  for (const stream of ['motion', 'orientation'] as const) {
    assert.ok(long.rowsOf(stream).length > 0);
    assert.deepEqual(flat(long.rowsOf(stream)).length, flat(short.rowsOf(stream)).length);
  }
  assert.deepEqual(eventsOf(long, 'motion'), eventsOf(short, 'motion'));
});

test('the declared streams fit the rows', () => {
  const to = rig(CONFIG);
  hold(to, 0, 2, (i) => [0, 0, 0, 0, 0, i === 50 ? 60 : G]);
  for (const stream of fusionStreams(CONFIG)) {
    const rows = to.rowsOf(stream.name);
    assert.ok(rows.length > 0, stream.name);
    for (const { timesNs, values, quality } of rows) {
      assert.equal(values.length, timesNs.length * stream.channels.length);
      assert.equal(quality.length, values.length);
    }
  }
  const classes = fusionStreams(CONFIG).map(({ name, class: c }) => `${name} ${c}`);
  assert.deepEqual(classes, ['motion event', 'motion.alarm alarm', 'orientation telemetry']);
});
