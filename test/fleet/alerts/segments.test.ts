import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Episode, episodesOf, trimmed } from '../../../fleet/alerts/episodes.js';
import type { Gauge } from '../../../fleet/alerts/gauge.js';
import { type Judged, merged, type Segment, segmentsOf } from '../../../fleet/alerts/segments.js';

const GAUGE: Gauge = {
  measure: () => null,
  isRate: false,
  direction: 1,
  limit: 10,
  hysteresis: 2,
  forMs: 0,
  forRows: 1,
  quietMs: undefined,
};

/** A stream cut into blocks, some of which never come; a boot never changes within a block. */
const blocks = fc
  .array(
    fc.record({
      rows: fc.array(
        fc.record({
          measure: fc.option(fc.integer({ min: 5, max: 13 })),
          dt: fc.integer({ min: 0, max: 5 }),
        }),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      comes: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      reboots: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((cuts) => {
    let [sequence, boot, ms] = [100, 1, 0];
    return cuts.map(({ rows, comes, reboots }) => {
      if (reboots) [boot, ms] = [boot + 1, 0];
      const judged = rows.map(({ measure, dt }): Judged => {
        ms += dt * 1_000;
        return { sequence: sequence++, boot, ms, measure };
      });
      return { judged, comes };
    });
  })
  .map((cuts) => cuts.filter(({ comes }) => comes).map(({ judged }) => judged));

const gauges = fc.record({
  isRate: fc.boolean(),
  direction: fc.constantFrom(1 as const, -1 as const),
  hysteresis: fc.constantFrom(0, 2),
  forMs: fc.constantFrom(0, 3_000),
  forRows: fc.constantFrom(1, 3),
  quietMs: fc.constantFrom(undefined, 0, 4_000),
});

function inOrder(blocks: readonly (readonly Judged[])[], gauge: Gauge): readonly Segment[] {
  return blocks.reduce<readonly Segment[]>((all, rows) => merged(all, segmentsOf(rows, gauge), gauge), []);
}

test('whatever the order of arrival, segments and episodes are those of the rows in order', () => {
  fc.assert(
    fc.property(
      blocks.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      gauges,
      ([sorted, shuffled], more) => {
        const gauge = { ...GAUGE, ...more };
        const segments = inOrder(shuffled, gauge);
        assert.deepEqual(segments, segmentsOf(sorted.flat(), gauge));
        assert.deepEqual(episodesOf(segments, gauge), plainEpisodes(sorted.flat(), gauge));
      },
    ),
    { numRuns: 1_500, seed: 6 },
  );
});

/** The same said row by row, with nothing but a loop: what the segments are held against. */
function plainEpisodes(rows: readonly Judged[], gauge: Gauge): readonly Episode[] {
  const found: { rows: Judged[]; values: number[]; heldMs: number; closed: number | undefined }[] = [];
  rows.forEach((row, i) => {
    const before = rows[i - 1];
    let value = row.measure;
    if (gauge.isRate) {
      const follows = before?.sequence === row.sequence - 1 && before.boot === row.boot && before.ms < row.ms;
      const known = follows && before.measure !== null && row.measure !== null;
      value = known ? ((row.measure - before.measure) * 1_000) / (row.ms - before.ms) : null;
    }
    if (value === null) return;
    const beyond = (value - gauge.limit) * gauge.direction;
    const run = found.at(-1);
    if (beyond <= -gauge.hysteresis && beyond <= 0 && gauge.quietMs === undefined && run)
      run.closed ??= row.sequence;
    if (beyond <= 0) return;
    const last = run?.rows.at(-1);
    const apart =
      gauge.quietMs !== undefined &&
      (gauge.quietMs === 0 || last?.boot !== row.boot || row.ms - last.ms > gauge.quietMs);
    if (!run || run.closed !== undefined || apart) {
      found.push({ rows: [row], values: [value], heldMs: 0, closed: undefined });
      return;
    }
    if (last!.boot === row.boot) run.heldMs += row.ms - last!.ms;
    run.rows.push(row);
    run.values.push(value);
  });
  return found
    .filter((run) => run.rows.length >= gauge.forRows && run.heldMs >= gauge.forMs)
    .map((run) => ({
      first: run.rows[0]!.sequence,
      last: run.rows.at(-1)!.sequence,
      closed: run.closed,
      rows: run.rows.length,
      value: run.values[0]!,
      peak: gauge.direction > 0 ? Math.max(...run.values) : Math.min(...run.values),
    }));
}

test('hysteresis: it ends where the value has come back by so much, not at the limit', () => {
  const rows = [9, 11, 9, 12, 8, 11].map((measure, i) => ({ sequence: i, boot: 1, ms: i * 1_000, measure }));
  assert.deepEqual(episodesOf(segmentsOf(rows, GAUGE), GAUGE), [
    { first: 1, last: 3, closed: 4, rows: 2, value: 11, peak: 12 },
    { first: 5, last: 5, closed: undefined, rows: 1, value: 11, peak: 11 },
  ]);
});

test('what is kept of a stream is bounded, and an episode over many holes stays one', () => {
  const every = (n: number, measure: number) =>
    Array.from({ length: n }, (_, i) => ({ sequence: i * 2, boot: 1, ms: i, measure }));
  const long = trimmed(segmentsOf(every(1_000, 11), GAUGE), GAUGE);
  assert.equal(long.segments.length, 256);
  assert.equal(long.floor, 1_488);
  assert.deepEqual(episodesOf(long.segments, GAUGE), [
    { first: 0, last: 1_998, closed: undefined, rows: 1_000, value: 11, peak: 11 },
  ]);
  const flips = every(600, 0).map((row, i) => ({ ...row, measure: i % 2 ? 11 : 0 }));
  assert.equal(trimmed(segmentsOf(flips, GAUGE), GAUGE).segments.length, 256);
});
