import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { doubled, total, uncovered } from '../../hil/power/numbers.js';

const span = fc.tuple(fc.nat(30), fc.nat(8)).map(([from, length]) => [from, from + length] as const);

test('spans against sets of numbers', () => {
  const property = fc.property(span, fc.array(span, { maxLength: 8 }), (whole, others) => {
    const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const left = numbers(...whole).filter((n) => !others.some(([from, to]) => from <= n && n < to));
    const found = uncovered(whole, others);
    assert.deepEqual(
      found.flatMap(([from, to]) => numbers(from, to)),
      left,
    );
    assert.equal(total(found), left.length);
    const all = others.flatMap(([from, to]) => numbers(from, to));
    assert.equal(doubled(others), all.length - new Set(all).size);
  });
  fc.assert(property);
});

test('a gap without an end', () => {
  assert.deepEqual(uncovered([5, 9], [[7, Number.POSITIVE_INFINITY]]), [[5, 7]]);
});
