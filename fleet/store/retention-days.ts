import type { Database, Queries } from '../db/index.js';
import type { DayTable } from './days.js';
import { DAY_NS } from './row-times.js';

/** Of PostgreSQL's advisory locks: one process at a time. */
const LOCK = 0x43_52_46n;
/** So long others wait behind it for a table that somebody still uses; then it is given up until the next step. */
const LOCK_WAIT_MS = 1_000;

/** Which bound a stream's rows are under. */
export const KIND = `CASE WHEN stream.is_log = 1 THEN 'logs' WHEN stream.class IN ('alarm', 'event') THEN 'events'
  WHEN stream.class = 'meta' THEN 'meta' ELSE 'readings' END`;

/**
 * PostgreSQL's tables by day, dropped where all of a day is too old; rows of the day that are kept longer are put back. What their blocks say is taken away
 * after that, in steps.
 */
export async function dropDays(db: Database, cutoffs: ReadonlyMap<string, bigint>): Promise<void> {
  if (db.dialect !== 'postgres') return;
  for (const [table, kind] of [
    ['log_line', 'logs'],
    ['reading', 'readings'],
  ] as const) {
    const cutoffNs = cutoffs.get(kind) ?? 0n;
    for (const day of await daysOf(db, table)) {
      if (BigInt(day + 1) * DAY_NS > cutoffNs) continue;
      const keepsEvents = table === 'reading' && BigInt(day + 1) * DAY_NS > (cutoffs.get('events') ?? 0n);
      if (await isSpent(db, table, day, keepsEvents))
        await db.transaction((tx) => dropDay(tx, table, day, keepsEvents));
    }
  }
}

async function daysOf(db: Queries, table: DayTable): Promise<readonly number[]> {
  const rows = await db.query<{ name: string }>(
    'SELECT pg_class.relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = $1::regclass',
    [table],
  );
  return rows.flatMap(({ name }) => {
    const day = new RegExp(`^${table}_(\\d+)$`).exec(name)?.[1];
    return day === undefined ? [] : [Number(day)];
  });
}

/** It holds something that isn't kept, or nothing. */
async function isSpent(db: Queries, table: DayTable, day: number, keepsEvents: boolean): Promise<boolean> {
  if (!keepsEvents) return true;
  const [row] = await db.query<{ spent: bigint }>(
    `SELECT EXISTS (SELECT 1 FROM ${table}_${day} AS line JOIN stream ON stream.id = line.stream_id WHERE ${KIND} <> 'events')
      OR NOT EXISTS (SELECT 1 FROM ${table}_${day}) AS spent`,
  );
  return row?.spent === 1n;
}

/** What is kept is copied while nobody can add to it. */
async function dropDay(tx: Queries, table: DayTable, day: number, keepsEvents: boolean): Promise<void> {
  const name = `${table}_${day}`;
  await tx.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
  await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
  await tx.query(`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`);
  if (keepsEvents)
    await tx.query(`CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT line.* FROM stream
      JOIN ${table} AS line ON line.stream_id = stream.id
        AND line.wall_ns >= ${BigInt(day) * DAY_NS} AND line.wall_ns < ${BigInt(day + 1) * DAY_NS}
      WHERE ${KIND} = 'events'`);
  await tx.query(`DROP TABLE IF EXISTS ${name}`);
  if (!keepsEvents || (await tx.query('SELECT 1 AS one FROM kept LIMIT 1')).length === 0) return;
  await tx.query(`CREATE TABLE ${name} PARTITION OF ${table}
    FOR VALUES FROM (${BigInt(day) * DAY_NS}) TO (${BigInt(day + 1) * DAY_NS})`);
  await tx.query(`INSERT INTO ${table} SELECT * FROM kept`);
}
