import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery, judgeDelivery } from '../../hil/power/delivery.js';

const promise = (from: number, next: number, stream = 'a') => ({ epoch: 'e', stream, from, next });
const gap = (first: number, last: number | undefined) => ({
  epoch: 'e',
  stream: 'a',
  first,
  last,
  cause: 'uncleanStop' as const,
  atMost: true,
});

function delivered(...spans: readonly (readonly [first: number, count: number])[]): Delivery {
  const delivery = new Delivery();
  for (const [first, count] of spans) delivery.received('e', 'a', first, count);
  return delivery;
}

test('two lives with a gap between them: received and gaps are all that was produced', () => {
  const delivery = delivered([0, 10], [30, 5], [10, 2]);
  delivery.gaps.push(gap(12, 29));
  const found = judgeDelivery([promise(0, 12), promise(30, 35)], delivery);
  assert.deepEqual(found, { lost: 0, holes: 0, produced: 35, received: 17, inGaps: 18, problems: [] });
});

test('a gap excuses no promise', () => {
  const delivery = delivered([0, 10], [30, 5]);
  delivery.gaps.push(gap(10, 29));
  const found = judgeDelivery([promise(0, 12), promise(30, 35)], delivery);
  assert.deepEqual([found.lost, found.holes], [2, 0]);
  assert.deepEqual(found.problems, ['a: promised and not received: 10-11']);
});

test('a hole that nothing accounts for, and a stream of which nothing came', () => {
  const delivery = delivered([0, 10], [30, 5]);
  delivery.gaps.push(gap(12, 29));
  const found = judgeDelivery([promise(0, 10), promise(30, 35), promise(0, 4, 'b')], delivery);
  assert.deepEqual([found.lost, found.holes], [4, 2 + 4]);
  assert.match(found.problems.join('\n'), /a: neither received nor in a gap: 10-11/);
  assert.match(found.problems.join('\n'), /b: promised and not received: 0-3/);
});

test('an epoch that ended, and one that nobody promised anything of', () => {
  const delivery = delivered([0, 10]);
  delivery.gaps.push(gap(10, undefined));
  assert.deepEqual(judgeDelivery([promise(0, 10)], delivery).problems, []);
  assert.equal(judgeDelivery([promise(0, 11)], delivery).lost, 1);
  delivery.received('other', 'a', 5, 1);
  assert.deepEqual(judgeDelivery([promise(0, 10)], delivery).problems, []);
});
