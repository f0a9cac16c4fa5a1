import { GAP_CAUSES, type GapCause } from '../../wire/index.js';
import type { Queries, SqlRow } from '../db/index.js';
import { Ranges } from '../ranges.js';
import { type RemovedRow, removedOf } from './node-detail.js';
import { channelValue } from './series-channel.js';
import type { Bucket, Series, Span } from './types.js';

const MAX_POINTS = 10_000;
/** A stream's ledger has no more. */
const MAX_HOLES = 16_384;
/** No greater number counts in a mean: a sum that overflows is an error to PostgreSQL, and to its avg() a square that does. */
const MOST = '1e290';
const BOUNDED = `CASE WHEN x > ${MOST} THEN ${MOST} WHEN x < -${MOST} THEN -${MOST} ELSE x END`;
const NS_PER_MS = 1_000_000;

/** The buckets of one channel: so many of so many ns. */
interface Grid extends Span {
  readonly streamId: bigint;
  readonly widthNs: bigint;
}

export async function seriesOf(
  db: Queries,
  streamId: bigint,
  channel: number,
  { fromNs, toNs }: Span,
  points: number,
): Promise<Series | undefined> {
  const value = await channelValue(db, streamId, channel);
  if (!value || toNs <= fromNs) return undefined;
  const count = BigInt(Math.min(Math.max(1, Math.floor(points)), MAX_POINTS));
  const grid = { streamId, fromNs, toNs, widthNs: (toNs - fromNs + count - 1n) / count };
  const rows = await bucketsOf(db, grid, value.sql);
  const [timeless] = await db.query<{ count: bigint }>(
    'SELECT count(*) AS count FROM reading WHERE stream_id = $1 AND wall_ns IS NULL',
    [streamId],
  );
  return {
    channel: value.channel,
    buckets: rows.filter(({ n }) => n > 0n).map((row) => bucketOf(row, grid)),
    holes: [...(await removedSpan(db, grid)), ...(await holesOf(db, grid))],
    uncertainty: await uncertaintyOf(db, grid, rows),
    timeless: timeless?.count ?? 0n,
  };
}

interface BucketRow extends SqlRow {
  readonly bucket: bigint;
  readonly least: number | null;
  readonly most: number | null;
  readonly mean: number | null;
  readonly n: bigint;
  readonly first_seq: bigint;
  readonly last_seq: bigint;
}

function bucketsOf(db: Queries, grid: Grid, value: string): Promise<readonly BucketRow[]> {
  return db.query<BucketRow>(
    `SELECT bucket, min(x) AS least, max(x) AS most, sum(${BOUNDED}) / count(x) AS mean, count(x) AS n, min(seq) AS first_seq, max(seq) AS last_seq
      FROM (SELECT (wall_ns - $2) / $4 AS bucket, seq, ${value} AS x
        FROM reading WHERE stream_id = $1 AND wall_ns >= $2 AND wall_ns < $3) AS row
      GROUP BY bucket ORDER BY bucket`,
    [grid.streamId, grid.fromNs, grid.toNs, grid.widthNs],
  );
}

function bucketOf({ bucket, least, most, mean, n }: BucketRow, { fromNs, widthNs }: Grid): Bucket {
  const wallMs = ms(fromNs + bucket * widthNs + widthNs / 2n);
  return { wallMs, min: least!, max: most!, mean: mean!, count: Number(n) };
}

function ms(ns: bigint): number {
  return Number(ns / 1_000n) / 1_000;
}

/** Of the blocks that the buckets' rows are of, a bucket at most each. */
async function uncertaintyOf(
  db: Queries,
  { streamId, fromNs, toNs, widthNs }: Grid,
  rows: readonly BucketRow[],
): Promise<Series['uncertainty']> {
  if (rows.length === 0) return [];
  const first = rows.reduce(
    (least, row) => (row.first_seq < least ? row.first_seq : least),
    rows[0]!.first_seq,
  );
  const last = rows.reduce((most, row) => (row.last_seq > most ? row.last_seq : most), 0n);
  const found = await db.query<{ from_ns: bigint; to_ns: bigint; most: bigint }>(
    `SELECT min(wall_first_ns) AS from_ns, max(wall_last_ns) AS to_ns, max(uncertainty_ns) AS most FROM block
      WHERE stream_id = $1 AND first <= $3 AND wall_last_ns >= $4 AND wall_first_ns < $5 AND uncertainty_ns IS NOT NULL
        AND first >= COALESCE((SELECT max(first) FROM block WHERE stream_id = $1 AND first <= $2), 0)
      GROUP BY (wall_first_ns - $4) / $6 ORDER BY 1`,
    [streamId, first, last, fromNs, toNs, widthNs],
  );
  return found.map(({ from_ns, to_ns, most }) => ({
    ...{ fromMs: ms(from_ns), toMs: ms(to_ns), ms: Number(most) / NS_PER_MS },
  }));
}

async function removedSpan(db: Queries, { streamId, fromNs, toNs }: Grid): Promise<Series['holes']> {
  const [row] = await db.query<RemovedRow>(
    `SELECT removed_rows, removed_from_ns, removed_to_ns FROM stream
      WHERE id = $1 AND removed_from_ns < $3 AND removed_to_ns >= $2`,
    [streamId, fromNs, toNs],
  );
  const removed = row && removedOf(row);
  if (removed?.fromNs === undefined || removed.toNs === undefined) return [];
  const [fromMs, toMs] = [
    ms(removed.fromNs > fromNs ? removed.fromNs : fromNs),
    ms(removed.toNs < toNs ? removed.toNs : toNs),
  ];
  return [{ fromMs, toMs, rows: Number(removed.rows), cause: 'removed' }];
}

interface HoleRow extends SqlRow {
  readonly first: bigint;
  readonly last: bigint;
  readonly from_ns: bigint;
  readonly to_ns: bigint;
}

/** Numbers that aren't there, between the times of their neighbours; those at the end reach as far as the span. */
async function holesOf(db: Queries, { streamId, fromNs, toNs }: Grid): Promise<Series['holes']> {
  const holes = await db.query<HoleRow>(
    `WITH hole AS (
        SELECT extent.last + 1 AS first, lead(extent.first) OVER (ORDER BY extent.first) - 1 AS last, stream.next, stream.removed_to, stream.removed_to_ns
        FROM extent JOIN stream ON stream.id = extent.stream_id WHERE extent.stream_id = $1 AND extent.what = 'received'),
      timed AS (
        SELECT hole.first, COALESCE(hole.last, hole.next - 1) AS last,
          COALESCE((SELECT block.wall_last_ns FROM block WHERE block.stream_id = $1 AND block.first < hole.first
            AND block.wall_last_ns IS NOT NULL ORDER BY block.first DESC LIMIT 1),
            CASE WHEN hole.first >= hole.removed_to THEN hole.removed_to_ns END) AS from_ns,
          CASE WHEN hole.last IS NULL THEN $3 ELSE
            (SELECT block.wall_first_ns FROM block WHERE block.stream_id = $1 AND block.first > hole.last
              AND block.wall_first_ns IS NOT NULL ORDER BY block.first LIMIT 1) END AS to_ns
        FROM hole)
      SELECT first, last, from_ns, to_ns FROM timed
      WHERE last >= first AND from_ns < $3 AND to_ns > $2 AND to_ns >= from_ns ORDER BY from_ns LIMIT ${MAX_HOLES}`,
    [streamId, fromNs, toNs],
  );
  if (holes.length === 0) return [];
  const gaps = await gapsOver(db, streamId);
  return holes.flatMap((hole) =>
    causesOf(gaps, hole).map(([cause, rows]) => ({
      ...{ fromMs: ms(hole.from_ns), toMs: ms(hole.to_ns), rows, cause },
    })),
  );
}

async function gapsOver(db: Queries, streamId: bigint): Promise<ReadonlyMap<string, Ranges>> {
  const rows = await db.query<{ what: string; first: bigint; last: bigint }>(
    `SELECT what, first, last FROM extent WHERE stream_id = $1 AND what <> 'received' ORDER BY what, first`,
    [streamId],
  );
  const gaps = new Map<string, Ranges>();
  for (const { what, first, last } of rows) {
    const ranges = gaps.get(what) ?? new Ranges();
    ranges.add(Number(first), Number(last));
    gaps.set(what, ranges);
  }
  return gaps;
}

/** How many of a hole's numbers each cause has; of two the one that stands first in GAP_CAUSES. */
function causesOf(
  gaps: ReadonlyMap<string, Ranges>,
  { first, last }: HoleRow,
): readonly (readonly [GapCause | 'missing', number])[] {
  let left = new Ranges([{ first: Number(first), last: Number(last) }]);
  const found: [GapCause | 'missing', number][] = [];
  for (const cause of GAP_CAUSES) {
    const without = left.minus(gaps.get(cause) ?? new Ranges());
    if (without.count < left.count) found.push([cause, left.count - without.count]);
    left = without;
  }
  if (left.count > 0) found.push(['missing', left.count]);
  return found;
}
