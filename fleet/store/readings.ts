import type { Queries, SqlRow } from '../db/index.js';
import { asJson } from './given.js';
import type { Reading, Span } from './types.js';

const MAX_ROWS = 10_000;

interface ReadingRow extends SqlRow {
  readonly seq: bigint;
  readonly wall_ns: bigint | null;
  readonly v: string;
  readonly texts: string | null;
  readonly quality: string | null;
}

/** Of a stream, in the order of their times. */
export async function readingsOf(
  db: Queries,
  streamId: bigint,
  { fromNs, toNs }: Span,
  limit: number,
  after = -1n,
): Promise<readonly Reading[]> {
  const [stream] = await db.query<{ is_log: bigint | null }>('SELECT is_log FROM stream WHERE id = $1', [
    streamId,
  ]);
  if (!stream) return [];
  const isLog = stream.is_log === 1n;
  const columns = isLog
    ? 'level, module, text'
    : `${asJson(db.dialect, 'v')} AS v, ${asJson(db.dialect, 'texts')} AS texts, quality`;
  const rows = await db.query<ReadingRow>(
    `SELECT seq, wall_ns, ${columns} FROM ${isLog ? 'log_line' : 'reading'}
      WHERE stream_id = $1 AND wall_ns >= $2 AND wall_ns < $3 AND (wall_ns > $2 OR seq > $4)
      ORDER BY wall_ns, seq LIMIT $5`,
    [streamId, fromNs, toNs, after, BigInt(Math.min(limit, MAX_ROWS))],
  );
  return rows.map(isLog ? logReadingOf : readingOf);
}

function readingOf({ seq, wall_ns, v, texts, quality }: ReadingRow): Reading {
  return {
    ...{ sequence: seq, wallNs: wall_ns ?? undefined, values: JSON.parse(v) as (number | null)[] },
    ...(texts === null ? {} : { texts: JSON.parse(texts) as (string | null)[] }),
    ...(quality === null ? {} : { quality }),
  };
}

function logReadingOf(row: SqlRow): Reading {
  return {
    ...{ sequence: row.seq as bigint, wallNs: (row.wall_ns as bigint | null) ?? undefined },
    values: [Number(row.level), null, null],
    texts: [null, row.module as string, row.text as string],
  };
}
