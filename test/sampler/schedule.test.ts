import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Backoff } from '../../runtime/sampler/backoff.js';
import { Schedule } from '../../runtime/sampler/schedule.js';

const ms = (value: number) => BigInt(Math.round(value * 1e6));

test('a sample that takes 30 of 100 ms is followed by the next 70 ms later', () => {
  const schedule = new Schedule(100);
  schedule.restart(ms(1000));
  assert.equal(schedule.nextMs(ms(1030)), 70);
  assert.equal(schedule.nextMs(ms(1199.5)), 0.5);
  assert.equal(schedule.missed, 0);
});

test('a sample that takes its whole period has missed the next: a part is never asked without a pause', () => {
  const schedule = new Schedule(100);
  schedule.restart(0n);
  assert.equal(schedule.nextMs(ms(100)), 100);
  assert.equal(schedule.missed, 1);
});

test('periods that passed are counted and left out; the phase stays', () => {
  const schedule = new Schedule(100);
  schedule.restart(0n);
  // 100, 200 and 300 ms are over.
  assert.equal(schedule.nextMs(ms(350)), 50);
  assert.equal(schedule.missed, 3);
  assert.equal(schedule.nextMs(ms(400)), 100);
  assert.equal(schedule.missed, 3);
  assert.equal(schedule.nextMs(ms(36_000_450)), 50);
  assert.equal(schedule.missed, 360_002);
});

test('no drift: 100,000 periods of a third of a millisecond end where they should', () => {
  const schedule = new Schedule(1 / 3);
  schedule.restart(0n);
  let nowNs = 0n;
  for (let i = 0; i < 100_000; i++) nowNs += ms(schedule.nextMs(nowNs)!);
  assert.equal(nowNs, 100_000n * 333_333n);
  assert.equal(schedule.missed, 0);
});

test('a changed interval holds from the next period on; a restart begins anew', () => {
  const schedule = new Schedule(1000);
  schedule.restart(0n);
  assert.equal(schedule.nextMs(ms(10)), 990);
  schedule.intervalMs = 60_000;
  assert.equal(schedule.nextMs(ms(1010)), 59_990);
  schedule.intervalMs = 1000;
  schedule.restart(ms(5000));
  assert.equal(schedule.nextMs(ms(5000)), 1000);
  assert.equal(schedule.missed, 0);
});

test('a part that speaks by itself has no periods', () => {
  assert.equal(new Schedule(undefined).nextMs(5n), undefined);
});

test('whatever the delays: the next is ahead, within one interval, on the grid, and none is uncounted', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.array(fc.nat(200_000), { maxLength: 30 }),
      (every, delays) => {
        const schedule = new Schedule(every);
        schedule.restart(0n);
        let now = 0;
        let taken = 0;
        for (const delay of delays) {
          now += delay;
          const next = schedule.nextMs(ms(now))!;
          assert.ok(next > 0 && next <= every, `${next} of ${every}`);
          now += next;
          taken++;
          assert.equal(now % every, 0);
          assert.equal(now / every, taken + schedule.missed);
        }
      },
    ),
  );
});

test('back-off doubles from its floor to its ceiling, jittered by a quarter each way, and starts anew', () => {
  const waits = (random: number, count: number) => {
    const backoff = new Backoff(250, 30_000, () => random);
    return Array.from({ length: count }, () => backoff.nextMs());
  };
  assert.deepEqual(waits(0.5, 9), [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.deepEqual(waits(0, 3), [187.5, 375, 750]);
  assert.deepEqual(waits(0, 2000).at(-1), 22_500);
  assert.ok(waits(0.999_999, 2000).every((wait) => wait <= 30_000));
  assert.ok(waits(0.999_999, 1)[0]! > 312);
  const backoff = new Backoff(250, 30_000, () => 0.5);
  backoff.nextMs();
  backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.nextMs(), 250);
});
