import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rows } from '../../../drivers/contract/index.js';
import { type GnssTwin, gnssTwin } from '../../../drivers/gnss/twin.js';
import { type Surroundings, world } from '../twin-bus.js';
import { cutNmea } from './frames.js';
import { rowsOf } from './gpsd.js';

const START_NS = 1_000_000_000_000n;
const STEP_NS = 20_000_000n;

/** What the twin says in `seconds`, asked each 20 ms. */
function listen(twin: GnssTwin, seconds: number, around: (second: number) => Surroundings): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let ns = 0n; ns <= BigInt(seconds * 1e9); ns += STEP_NS) {
    chunks.push(twin.speak(world(START_NS + ns, around(Number(ns) / 1e9))));
  }
  return chunks;
}

const create = () => gnssTwin.create(() => 0.5) as GnssTwin;
const main = (rows: readonly Rows[]) => rows.filter((row) => row.stream === '');

test('the driver on the twin sees the world, second by second', async () => {
  const around = (second: number): Surroundings => ({
    latitudeDeg: -33.9 - Math.floor(second) * 1e-5,
    longitudeDeg: 18.99999999,
    altitudeM: -3.25,
    speedMps: 1.4,
    courseDeg: -90,
  });
  const chunks = listen(create(), 5.9, around);
  const { frames, badChecksum } = cutNmea(Buffer.concat(chunks));
  assert.equal(badChecksum, 0);
  const rows = main(await rowsOf(frames));
  assert.ok(rows.length >= 5);
  for (const [i, row] of rows.entries()) {
    const [latitude, longitude, altitude, speed, track, mode, used, , utcMs] = row.values;
    assert.ok(Math.abs(latitude! - (-33.9 - i * 1e-5)) < 1e-7);
    assert.ok(Math.abs(longitude! - 19) < 1e-7);
    assert.ok(Math.abs(altitude! - -3.25) <= 0.051);
    assert.ok(Math.abs(speed! - 1.4) < 0.001);
    assert.deepEqual([track, mode, used], [270, 2, 8]);
    assert.equal(utcMs, Number(world(START_NS).utcNs / 1_000_000n) + i * 1000);
  }
});

test('no faster than 9600 baud, and a burst is over within its second', () => {
  const chunks = listen(create(), 10, () => ({}));
  for (const chunk of chunks) assert.ok(chunk.length <= 20, `${chunk.length} bytes in 20 ms`);
  const silent = chunks.filter((chunk) => chunk.length === 0).length;
  assert.ok(silent > 100, 'there are pauses between the bursts');
});

test('noFix: mode none and no position, then both come back', async () => {
  const twin = create();
  twin.faults.noFix = true;
  const lost = listen(twin, 3.9, () => ({}));
  const rows = main(await rowsOf(cutNmea(Buffer.concat(lost)).frames));
  assert.ok(rows.length >= 3);
  for (const row of rows)
    assert.deepEqual([row.values[0], row.values[5], row.values[8]], [Number.NaN, 0, Number.NaN]);
});

test('a second that nobody listened to isn’t repeated, and a long silence isn’t made up for', () => {
  const twin = create();
  twin.speak(world(START_NS));
  const hourLater = START_NS + 3_600_000_000_000n;
  twin.speak(world(hourLater));
  const text = Buffer.from(twin.speak(world(hourLater + 10_000_000_000n))).toString('latin1');
  assert.ok((text.match(/GNRMC/g) ?? []).length <= 8);
  const times = [...text.matchAll(/GNRMC,(\d{6})/g)].map((match) => match[1]);
  assert.equal(new Set(times).size, times.length);
});
