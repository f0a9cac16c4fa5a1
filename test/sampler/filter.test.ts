import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Channel, oneRow, QUALITY } from '../../drivers/contract/index.js';
import { StreamFilter } from '../../runtime/sampler/filter.js';

const CHANNELS: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 1 }, range: [-40, 85] },
  { name: 'count', quantity: 'count', type: { kind: 'int' } },
  { name: 'raw', quantity: 'temperature', type: { kind: 'f64' } },
  { name: 'tag', quantity: 'identity', type: { kind: 'utf8' } },
];
const { good, suspect, stale, fault } = QUALITY;

function judged(filter: StreamFilter, values: Parameters<typeof oneRow>[2]) {
  const rows = oneRow('', 0n, values);
  filter.apply(rows);
  return { values: [...rows.values], quality: [...rows.quality] };
}

test('a decimal is rounded half away from zero, a whole number too, a float not at all; no -0', () => {
  const filter = new StreamFilter(CHANNELS, false);
  for (const [given, wanted] of [
    [0.25, 0.3],
    [-0.25, -0.3],
    [21.349, 21.3],
    [-0.04, 0],
  ] as const) {
    const { values } = judged(filter, [given, given * 10, given, 'x']);
    assert.equal(values[0], wanted);
    assert.ok(!Object.is(values[0], -0));
    assert.equal(values[2], given);
  }
  assert.equal(judged(filter, [1, 2.5, 1, 'x']).values[1], 3);
  assert.equal(judged(filter, [1, -2.5, 1, 'x']).values[1], -3);
  assert.equal(judged(filter, [1, 2 ** 60, 1, 'x']).values[1], 2 ** 60);
});

test('what is out of the part’s range is suspect, what is no number is a fault; a text is neither', () => {
  const filter = new StreamFilter(CHANNELS, false);
  assert.deepEqual(judged(filter, [85, 1, 1, 'x']).quality, [good, good, good, good]);
  assert.deepEqual(judged(filter, [85.01, 1, 1, 'x']).quality, [suspect, good, good, good]);
  assert.deepEqual(judged(filter, [-40.01, 1, 1, 'x']).quality, [suspect, good, good, good]);
  const infinite = judged(filter, [Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 'x']);
  assert.deepEqual(infinite.quality, [fault, good, fault, good]);
  assert.ok(Number.isNaN(infinite.values[0]) && Number.isNaN(infinite.values[2]));
  assert.deepEqual(judged(filter, [undefined, 1, Number.NaN, 'x']).quality, [fault, good, fault, good]);
});

test('what is measured and has not moved for 30 rows is stale, until one of it moves; counts may stand still', () => {
  const filter = new StreamFilter(CHANNELS, true);
  const still = () => judged(filter, [21, 7, 3.5, 'x']).quality;
  for (let row = 0; row < 30; row++) assert.deepEqual(still(), [good, good, good, good], `row ${row}`);
  assert.deepEqual(still(), [stale, good, stale, good]);
  assert.deepEqual(judged(filter, [21, 7, 3.6, 'x']).quality, [good, good, good, good]);
  for (let row = 0; row < 29; row++) judged(filter, [21, 7, 3.6, 'x']);
  judged(filter, [undefined, 7, 3.6, 'x']);
  assert.deepEqual(
    judged(filter, [21, 7, 3.6, 'x']).quality,
    [good, good, good, good],
    'a fault starts anew',
  );
  const unwatched = new StreamFilter(CHANNELS, false);
  for (let row = 0; row < 50; row++) judged(unwatched, [21, 7, 3.5, 'x']);
  assert.equal(judged(unwatched, [21, 7, 3.5, 'x']).quality[0], good);
});
