import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskFacts } from '../../runtime/health/index.js';
import { diskAsker } from '../../runtime/node-health.js';
import { SimClock } from '../support/sim-clock.js';

const FACTS: DiskFacts = { path: '/data', device: '/dev/mmcblk0', freeBytes: 1e9, isReadOnly: false };

test('a card that hangs holds nothing up, and is not asked again until it comes back', async () => {
  const clock = new SimClock();
  let asked = 0;
  let answer: (facts: DiskFacts) => void = () => undefined;
  const ask = diskAsker(() => {
    asked++;
    return new Promise((resolve) => {
      answer = resolve;
    });
  }, clock);
  const first = ask();
  await clock.advance(2_000);
  assert.equal(await first, undefined);
  assert.deepEqual([await ask(), await ask(), asked], [undefined, undefined, 1]);
  answer(FACTS);
  await clock.advance(0);
  const next = ask();
  answer(FACTS);
  assert.deepEqual([await next, asked], [FACTS, 2]);
});

test('one that fails is asked again the next time', async () => {
  let fails = true;
  const ask = diskAsker(async () => {
    if (fails) throw new Error('EIO');
    return FACTS;
  }, new SimClock());
  assert.equal(await ask(), undefined);
  fails = false;
  assert.deepEqual(await ask(), FACTS);
});
