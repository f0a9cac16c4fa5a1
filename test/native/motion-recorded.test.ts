import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MOTION_EVENTS, native } from '../../native/index.js';

/* Recordings of real walks. What is true comes from another witness: the gyroscope, or people who pressed a key at every step. */
const root = process.env.CAIRN_REAL_DATA ?? join(process.cwd(), '..', 'shared', 'data');
const skipWalk = existsSync(join(root, 'imu', 'xio')) ? false : `real data absent: ${root}/imu/xio`;
const skipSteps = existsSync(join(root, 'steps')) ? false : `real data absent: ${root}/steps`;
const OPTIONS = { stillMps2: 0.3, shockMps2: 40, freeFallMps2: 2.5, freeFallMs: 200, noMotionMs: 0 };
const G = 9.80665;

interface Change {
  readonly timeNs: bigint;
  readonly state: 'still' | 'moving';
}

/** The state's changes over a recording, and every other event by name. */
function follow(timesNs: BigInt64Array, accel: Float64Array) {
  const [times, codes, peaks] = [new BigInt64Array(4096), new Uint8Array(4096), new Float64Array(4096)];
  const count = native.createMotion(OPTIONS).update(timesNs, accel, times, codes, peaks);
  const events = Array.from({ length: count }, (_, i) => ({
    timeNs: times[i]!,
    name: MOTION_EVENTS[codes[i]!]!,
  }));
  const changes = events.flatMap(({ timeNs, name }): Change[] =>
    name === 'still' || name === 'moving' ? [{ timeNs, state: name }] : [],
  );
  return { events, changes };
}

const stateAt = (changes: readonly Change[], timeNs: bigint) =>
  changes.findLast((change) => change.timeNs <= timeNs)?.state;

const numbers = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number));

test('the xio walk: still and moving agree with the gyroscope', { skip: skipWalk }, (t) => {
  const rows = numbers(readFileSync(join(root, 'imu', 'xio', 'short_walk.csv'), 'utf8')).slice(1);
  const timesNs = BigInt64Array.from(rows, (row) => BigInt(Math.round(row[0]! * 1e9)));
  const accel = Float64Array.from(rows.flatMap((row) => row.slice(4, 7).map((g) => g * G)));
  const { changes } = follow(timesNs, accel);
  let agreed = 0;
  let judged = 0;
  for (let second = 2; second < rows.at(-1)![0]!; second += 0.1) {
    const window = rows.filter((row) => row[0]! > second - 1 && row[0]! <= second);
    const rates = window.map((row) => Math.hypot(row[1]!, row[2]!, row[3]!));
    const turning = Math.sqrt(rates.reduce((sum, rate) => sum + rate ** 2, 0) / rates.length) > 10;
    judged++;
    if (stateAt(changes, BigInt(Math.round(second * 1e9))) === (turning ? 'moving' : 'still')) agreed++;
  }
  t.diagnostic(`${changes.length} changes; agrees in ${agreed} of ${judged} tenths of a second`);
  assert.ok(judged > 300 && agreed / judged > 0.97);
  assert.deepEqual(
    changes.map((change) => change.state),
    ['still', 'moving', 'still'],
  );
});

for (const walk of skipSteps ? ['of any walker'] : readdirSync(join(root, 'steps'))) {
  test(`the Oxford walk ${walk}: every true step is made while moving`, { skip: skipSteps }, (t) => {
    const read = (file: string) =>
      numbers(gunzipSync(readFileSync(join(root, 'steps', walk, file))).toString());
    const stamps = gunzipSync(readFileSync(join(root, 'steps', walk, 'accelerometer.csv.gz')));
    const lines = stamps.toString().trim().split('\n');
    const timesNs = BigInt64Array.from(lines, (line) => BigInt(line.slice(0, line.indexOf(','))));
    const accel = Float64Array.from(lines.flatMap((line) => line.split(',').slice(1, 4).map(Number)));
    const { changes, events } = follow(timesNs, accel);
    const steps = read('stepcounter.csv.gz').map((row) => BigInt(row[0]!));
    // The first second has no answer yet.
    const judged = steps.filter((stepNs) => stepNs > timesNs[0]! + 1_100_000_000n);
    const moving = judged.filter((stepNs) => stateAt(changes, stepNs) === 'moving').length;
    t.diagnostic(`${moving} of ${judged.length} steps while moving; ${events.length} events`);
    assert.ok(judged.length > 200 && moving / judged.length > 0.99);
    assert.ok(!events.some((event) => event.name === 'freeFall'), 'nobody fell');
  });
}
