import type { Database, Queries, SqlRow } from '../db/index.js';
import type { DayTable } from './days.js';
import { withGiven } from './given.js';
import { DAY_NS } from './row-times.js';

/** Of PostgreSQL's advisory locks: one process at a time. */
const LOCK = 0x43_52_46n;
/** So long others wait behind it for a table that somebody still uses; then it is given up until the next step. */
const LOCK_WAIT_MS = 1_000;
/** What looks at each block that goes may take so long: it holds up nobody. */
const LOOK_MS = 600_000;

/** Which bound a stream's rows are under. */
export const KIND = `CASE WHEN stream.is_log = 1 THEN 'logs' WHEN stream.class IN ('alarm', 'event') THEN 'events'
  WHEN stream.class = 'meta' THEN 'meta' ELSE 'readings' END`;

/**
 * PostgreSQL's tables by day, dropped where all of a day is too old; rows of the day that stay longer are put back: those of a kind that is kept longer,
 * and those behind a block that isn't old. What their blocks say is taken away after that, in steps.
 */
export async function dropDays(db: Database, cutoffs: ReadonlyMap<string, bigint>): Promise<void> {
  if (db.dialect !== 'postgres') return;
  let stays: readonly Stays[] | undefined;
  for (const [table, kind] of [
    ['log_line', 'logs'],
    ['reading', 'readings'],
  ] as const) {
    const cutoffNs = cutoffs.get(kind) ?? 0n;
    for (const day of await daysOf(db, table)) {
      if (BigInt(day + 1) * DAY_NS > cutoffNs) continue;
      if (!(await isSpent(db, `${table}_${day}`, cutoffs))) continue;
      stays ??= await whatStays(db, cutoffs);
      await dropDay(db, table, day, stays);
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

/** Of blocks, each by its stream's kind; what is kept for ever is never old. */
function isKept(cutoffs: ReadonlyMap<string, bigint>): string {
  const cases = [...cutoffs].map(([kind, cutoffNs]) => `WHEN '${kind}' THEN ${cutoffNs}`);
  return `COALESCE(block.wall_last_ns, block.received_ms * 1000000) >= CASE ${KIND} ${cases.join(' ')} ELSE -1 END`;
}

/** It holds something that doesn't stay, or nothing. */
async function isSpent(on: Queries, name: string, cutoffs: ReadonlyMap<string, bigint>): Promise<boolean> {
  if (!(await isThere(on, name))) return false;
  const [row] = await on.query<{ spent: bigint }>(
    `SELECT EXISTS (SELECT 1 FROM ${name} AS line JOIN stream ON stream.id = line.stream_id WHERE NOT EXISTS
        (SELECT 1 FROM block WHERE block.stream_id = line.stream_id AND block.first <= line.seq AND ${isKept(cutoffs)}))
      OR NOT EXISTS (SELECT 1 FROM ${name}) AS spent`,
  );
  return row?.spent === 1n;
}

interface Stays extends SqlRow {
  readonly id: bigint;
  readonly first: bigint;
}

/** The first block of each stream that stays: the steps take away no more than what is before it. */
function whatStays(db: Database, cutoffs: ReadonlyMap<string, bigint>): Promise<readonly Stays[]> {
  return db.transaction(
    (tx) =>
      tx.query<Stays>(`SELECT stream.id, stays.first FROM stream CROSS JOIN LATERAL (SELECT block.first FROM block
        WHERE block.stream_id = stream.id AND ${isKept(cutoffs)} ORDER BY block.first LIMIT 1) AS stays`),
    LOOK_MS,
  );
}

/** What stays is copied while nobody can add to it. */
async function dropDay(db: Database, table: DayTable, day: number, stays: readonly Stays[]): Promise<void> {
  const name = `${table}_${day}`;
  const time = table === 'reading' ? 'wall_ns' : 'at_ns';
  await db.transaction(async (tx) => {
    await tx.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
    await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    // Another process may have dropped it.
    if (!(await isThere(tx, name))) return;
    await tx.query(`LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE`);
    await tx.query(`CREATE TEMP TABLE kept (LIKE ${table}) ON COMMIT DROP`);
    await withGiven(
      tx,
      { id: 'BIGINT', first: 'BIGINT' },
      stays,
      (given) => `INSERT INTO kept SELECT line.* FROM ${given}
        CROSS JOIN LATERAL (SELECT one.seq FROM ${name} AS one WHERE one.stream_id = given.id
          ORDER BY one.${time} DESC, one.seq DESC LIMIT 1) AS newest
        JOIN ${name} AS line ON newest.seq >= given.first AND line.stream_id = given.id AND line.seq >= given.first`,
    );
    await tx.query(`DROP TABLE ${name}`);
    if ((await tx.query('SELECT 1 AS one FROM kept LIMIT 1')).length === 0) return;
    await tx.query(`CREATE TABLE ${name} PARTITION OF ${table}
      FOR VALUES FROM (${BigInt(day) * DAY_NS}) TO (${BigInt(day + 1) * DAY_NS})`);
    await tx.query(`INSERT INTO ${table} SELECT * FROM kept`);
  });
}

async function isThere(on: Queries, name: string): Promise<boolean> {
  return (await on.query(`SELECT 1 AS one WHERE to_regclass('${name}') IS NOT NULL`)).length > 0;
}
