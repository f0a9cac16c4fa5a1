import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOTION_EVENTS, MOTION_STATES, native } from '../../native/index.js';

/* The way in and out of the native filters: what they compute is tested in C and by recordings. */
const OPTIONS = { stillMps2: 0.3, shockMps2: 40, freeFallMps2: 2.5, freeFallMs: 200, noMotionMs: 0 };
const N = 64;

function samples() {
  const timesNs = BigInt64Array.from({ length: N }, (_, i) => BigInt(i) * 10_000_000n);
  const down = Float64Array.from({ length: 3 * N }, (_, i) => (i % 3 === 2 ? 9.81 : 0));
  return { timesNs, accel: down, gyro: new Float64Array(3 * N), out: new Float64Array(4 * N) };
}
const events = (n: number) => [new BigInt64Array(n), new Uint8Array(n), new Float64Array(n)] as const;

test('events come out by their codes, the state by its index', () => {
  const motion = native.createMotion(OPTIONS);
  assert.equal(MOTION_STATES[motion.state], 'unknown');
  const { timesNs, accel } = samples();
  accel[3 * 20 + 2] = 55.5;
  const [times, codes, peaks] = events(8);
  const count = motion.update(timesNs, accel, times, codes, peaks);
  // The shock of 200 ms comes out 50 ms later, and says that somebody moves.
  assert.equal(count, 2);
  assert.deepEqual(
    [...codes.subarray(0, 2)].map((code) => MOTION_EVENTS[code]),
    ['shock', 'moving'],
  );
  assert.deepEqual([...times.subarray(0, 2)], [250_000_000n, 250_000_000n]);
  assert.equal(peaks[0], 55.5);
  assert.equal(MOTION_STATES[motion.state], 'moving');
  motion.reset();
  assert.equal(MOTION_STATES[motion.state], 'unknown');
});

test('events that find no room are counted', () => {
  const motion = native.createMotion(OPTIONS);
  const { timesNs, accel } = samples();
  accel[3 * 20 + 2] = 55.5;
  assert.equal(motion.update(timesNs, accel, ...events(1)), 1);
  assert.equal(motion.droppedEvents, 1);
});

test('arrays that are too short or of another kind are refused', () => {
  const motion = native.createMotion(OPTIONS);
  const orientation = native.createOrientation({ axes: 9, sampleRateHz: 100 });
  const { timesNs, accel, gyro, out } = samples();
  const short = accel.subarray(1);
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
  const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  assert.throws(() => motion.update(timesNs, short, ...events(8)), range);
  assert.throws(
    () => motion.update(timesNs, accel, new BigInt64Array(8), new Uint8Array(7), new Float64Array(8)),
    range,
  );
  assert.throws(() => orientation.update(timesNs, gyro, short, undefined, out), range);
  assert.throws(() => orientation.update(timesNs, gyro, accel, short, out), range);
  assert.throws(() => orientation.update(timesNs, gyro, accel, undefined, out.subarray(1)), range);
  const floats = new Float32Array(3 * N) as unknown as Float64Array;
  assert.throws(() => orientation.update(timesNs, floats, accel, undefined, out), type);
  const unsigned = new BigUint64Array(N) as unknown as BigInt64Array;
  assert.throws(() => orientation.update(unsigned, gyro, accel, undefined, out), type);
});

test('a view into a larger buffer is read and written where it stands', () => {
  const { timesNs, accel, gyro } = samples();
  const wide = new Float64Array(4 * N + 8).fill(7);
  const whole = new Float64Array(4 * N);
  native
    .createOrientation({ axes: 6, sampleRateHz: 100 })
    .update(timesNs, gyro, accel, undefined, wide.subarray(4, 4 * N + 4));
  native.createOrientation({ axes: 6, sampleRateHz: 100 }).update(timesNs, gyro, accel, undefined, whole);
  assert.deepEqual([...wide.subarray(0, 4)], [7, 7, 7, 7]);
  assert.deepEqual(wide.subarray(4, 4 * N + 4), whole);
  assert.deepEqual([...wide.subarray(4 * N + 4)], [7, 7, 7, 7]);
});

test("a filter's methods work on no other object", () => {
  const motion = native.createMotion(OPTIONS);
  const orientation = native.createOrientation({ axes: 6, sampleRateHz: 100 });
  const wrong = { code: 'ERR_INVALID_THIS' };
  assert.throws(() => motion.reset.call(orientation as never), wrong);
  assert.throws(() => orientation.reset.call(motion as never), wrong);
  assert.throws(() => orientation.reset.call({} as never), wrong);
});

test('options out of bounds are refused', () => {
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
  for (const wrong of [
    { stillMps2: 0 },
    { shockMps2: 5 },
    { freeFallMps2: Number.NaN },
    { freeFallMs: 1 },
    { noMotionMs: -1 },
    { noMotionMs: 8 * 86_400_000 },
  ]) {
    assert.throws(() => native.createMotion({ ...OPTIONS, ...wrong }), range, JSON.stringify(wrong));
  }
  assert.throws(() => native.createOrientation({ axes: 7 as 6, sampleRateHz: 100 }), range);
  assert.throws(() => native.createOrientation({ axes: 6, sampleRateHz: 0.5 }), range);
  assert.throws(() => native.createOrientation({ axes: 6 } as never), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('a batch of 64 takes microseconds, not milliseconds', (t) => {
  const motion = native.createMotion(OPTIONS);
  const orientation = native.createOrientation({ axes: 9, sampleRateHz: 100 });
  const { timesNs, accel, gyro, out } = samples();
  const into = events(8);
  const nsASample = (update: () => void) => {
    const spentMs: number[] = [];
    for (let round = 0; round < 1000; round++) {
      const start = performance.now();
      update();
      spentMs.push(performance.now() - start);
      for (let i = 0; i < N; i++) timesNs[i]! += 640_000_000n;
    }
    // The median: a busy machine interrupts some rounds, not most.
    return (spentMs.sort((a, b) => a - b)[500]! * 1e6) / N;
  };
  const motionNs = nsASample(() => motion.update(timesNs, accel, ...into));
  const orientationNs = nsASample(() => orientation.update(timesNs, gyro, accel, accel, out));
  t.diagnostic(
    `motion ${motionNs.toFixed(0)} ns, orientation (9 axes) ${orientationNs.toFixed(0)} ns a sample`,
  );
  // Ten times what an idle machine of 2020 needs.
  assert.ok(motionNs < 1000 && orientationNs < 5000);
});
