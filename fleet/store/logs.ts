import { LOG_LEVELS } from '../../wire/index.js';
import type { Queries, SqlRow } from '../db/index.js';
import { WARN } from './migrations.js';
import { type RemovedRow, removedOf } from './node-detail.js';
import { escaped } from './nodes.js';
import type { LogLine, LogQuery, Removed } from './types.js';

const MAX_LINES = 1_000;
const MAX_NS = 2n ** 63n - 1n;

interface LineRow extends SqlRow {
  readonly node: string;
  readonly stream_id: bigint;
  readonly wall_ns: bigint | null;
  readonly at_ns: bigint;
  readonly level: bigint;
  readonly module: string;
  readonly text: string;
  readonly seq: bigint;
}

/** The newest first. A line without a time stands where it came. */
export async function logLines(db: Queries, query: LogQuery): Promise<readonly LogLine[]> {
  if (query.node === undefined) return linesOf(db, query);
  const streams = await db.query<{ id: bigint }>(
    'SELECT stream.id FROM epoch JOIN stream ON stream.epoch_id = epoch.id WHERE epoch.node = $1 AND stream.is_log = 1',
    [query.node],
  );
  const lines: LogLine[] = [];
  for (const { id } of streams) lines.push(...(await linesOf(db, query, id)));
  return lines.sort(newestFirst).slice(0, query.limit);
}

function newestFirst(a: LogLine, b: LogLine): number {
  const keys = ({ atNs, sequence, streamId }: LogLine) => [atNs, sequence, streamId];
  const [of, than] = [keys(a), keys(b)];
  const at = of.findIndex((key, i) => key !== than[i]);
  return at < 0 ? 0 : of[at]! > than[at]! ? -1 : 1;
}

/** Of all streams, or of one. */
async function linesOf(db: Queries, query: LogQuery, streamId?: bigint): Promise<readonly LogLine[]> {
  const { before, group, contains } = query;
  const level = query.level ? LOG_LEVELS.indexOf(query.level) : 0;
  const rows = await db.query<LineRow>(
    `SELECT epoch.node, log_line.wall_ns, log_line.at_ns, log_line.level, log_line.module, log_line.text, log_line.seq, log_line.stream_id
      FROM log_line JOIN stream ON stream.id = log_line.stream_id JOIN epoch ON epoch.id = stream.epoch_id
      JOIN node ON node.node = epoch.node
      WHERE log_line.at_ns >= $1 AND log_line.at_ns < $2 AND log_line.at_ns <= $3
        AND (log_line.at_ns, log_line.seq, log_line.stream_id) < ($3, $4, $9)
        AND log_line.level >= $5 ${level >= WARN ? `AND log_line.level >= ${WARN}` : ''}
        AND (CAST($6 AS TEXT) IS NULL OR node.fleet_group = $6)
        AND (CAST($7 AS TEXT) IS NULL OR lower(log_line.text) LIKE $7 ESCAPE '!')
        ${streamId === undefined ? '' : 'AND log_line.stream_id = $10'}
      ORDER BY log_line.at_ns DESC, log_line.seq DESC, log_line.stream_id DESC LIMIT $8`,
    [
      ...[query.fromNs ?? 0n, query.toNs ?? MAX_NS, before?.wallNs ?? MAX_NS, before?.sequence ?? MAX_NS],
      ...[BigInt(level), group ?? null],
      ...[contains ? `%${escaped(contains.toLowerCase())}%` : null, BigInt(Math.min(query.limit, MAX_LINES))],
      before ? (before.streamId ?? 0n) : MAX_NS,
      ...(streamId === undefined ? [] : [streamId]),
    ],
  );
  return rows.map((row) => ({
    ...{ node: row.node, streamId: row.stream_id, wallNs: row.wall_ns ?? undefined, atNs: row.at_ns },
    level: LOG_LEVELS[Number(row.level)] ?? 'info',
    ...{ module: row.module, text: row.text, sequence: row.seq },
  }));
}

export async function removedLogs(
  db: Queries,
  { fromNs = 0n, node, group }: Pick<LogQuery, 'fromNs' | 'node' | 'group'>,
): Promise<Removed | undefined> {
  const [row] = await db.query<RemovedRow>(
    `SELECT COALESCE(sum(removed_rows), 0) AS removed_rows, min(removed_from_ns) AS removed_from_ns, max(removed_to_ns) AS removed_to_ns
      FROM stream JOIN epoch ON epoch.id = stream.epoch_id JOIN node ON node.node = epoch.node
      WHERE stream.is_log = 1 AND stream.removed_rows > 0 AND stream.removed_to_ns >= $1
        AND (CAST($2 AS TEXT) IS NULL OR epoch.node = $2) AND (CAST($3 AS TEXT) IS NULL OR node.fleet_group = $3)`,
    [fromNs, node ?? null, group ?? null],
  );
  return row && removedOf(row);
}
