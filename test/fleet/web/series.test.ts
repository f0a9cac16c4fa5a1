import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnsOf, type Series, sentenceOf } from '../../../fleet/web/browser/series.js';

const bucket = (wallMs: number) => ({ wallMs, min: 1, max: 3, mean: 2, count: 10 });
const of = (timesMs: readonly number[], holes: Series['holes'] = []): Series => ({
  buckets: timesMs.map(bucket),
  holes,
  uncertainty: [],
  timeless: 0,
});

test('a line breaks where a hole lies between two buckets, and nowhere else', () => {
  const hole = { fromMs: 2_100, toMs: 2_900, rows: 3, cause: 'quota' };
  const [time, , , mean] = columnsOf(of([1_000, 2_000, 3_000, 4_000], [hole]));
  assert.deepEqual(time, [1, 2, 2.5, 3, 4]);
  assert.deepEqual(mean, [2, 2, null, 2, 2]);
});

test('a long silence is no line either', () => {
  const [time, , , mean] = columnsOf(of([1_000, 2_000, 3_000, 60_000, 61_000]));
  assert.deepEqual(time, [1, 2, 3, 31.5, 60, 61]);
  assert.deepEqual(mean, [2, 2, 2, null, 2, 2]);
});

test('whatever the holes are, no two neighbours of a line have one between them', () => {
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { maxLength: 50 });
  const spans = fc.array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 2_000 })), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(times, spans, (timesMs, found) => {
      const holes = found.map(([fromMs, ms]) => ({ fromMs, toMs: fromMs + ms, rows: 1, cause: 'rot' }));
      const [time, , , mean] = columnsOf(
        of(
          timesMs.sort((a, b) => a - b),
          holes,
        ),
      );
      assert.equal(mean.filter((value) => value !== null).length, timesMs.length);
      for (let i = 1; i < time.length; i++) {
        if (mean[i - 1] === null || mean[i] === null) continue;
        const [from, to] = [time[i - 1]! * 1000, time[i]! * 1000];
        assert.ok(!holes.some(({ fromMs, toMs }) => fromMs < to && toMs > from));
      }
    }),
  );
});

test('a chart says in words what it shows', () => {
  const hole = { fromMs: 0, toMs: 1, rows: 1_200, cause: 'uncleanStop' };
  const series = {
    ...of([1_000, 2_000], [hole]),
    uncertainty: [{ fromMs: 0, toMs: 9, ms: 90_000 }],
    timeless: 5,
  };
  assert.equal(
    sentenceOf(series, String),
    '20 readings from 1 to 3, times within ± 90 s. 1,200 lost: sudden stop. 5 more at a time that is not known yet.',
  );
  assert.equal(sentenceOf(of([]), String), 'No reading in this window.');
});
