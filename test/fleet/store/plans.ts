import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database, Queries, SqlValue } from '../../../fleet/db/index.js';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { Fresh } from '../db/databases.js';
import { anchor, block, logBlock, meta, S, T0, T0_MS } from './blocks.js';

/** What grows with the rows: nothing that a page or a step asks may look at all of it. */
const GROWING = 'reading|log_line|block|extent|anchor|descriptor';
const SCANS = {
  // sqlite.org/eqp.html: SCAN is of all rows.
  sqlite: new RegExp(`^SCAN (${GROWING})\\b(?!.* USING .*INDEX log_line_(time|warn))`),
  // With `enable_seqscan` off the planner takes one only where there is no other way.
  postgres: new RegExp(`Seq Scan on (${GROWING})\\b`),
};
const NODES = Array.from({ length: 10 }, (_, i) => String(i).padStart(16, '0'));

/** The same database, and all that is asked of it. */
function watched(db: Database) {
  const asked = new Map<string, readonly SqlValue[]>();
  const watch = (queries: Queries): Queries => ({
    dialect: queries.dialect,
    query: (sql, values = []) => {
      // A day's own table may be gone since, and is looked into as a whole.
      if (/^\s*(SELECT|WITH|UPDATE|DELETE)/.test(sql) && !/_\d+ AS line|FROM kept/.test(sql))
        asked.set(sql, values);
      return queries.query(sql, values);
    },
  });
  const on: Database = {
    ...watch(db),
    transaction: (work) => db.transaction((tx) => work(watch(tx))),
    close: () => db.close(),
  };
  return { on, asked };
}

async function planOf(db: Database, sql: string, values: readonly SqlValue[]): Promise<readonly string[]> {
  if (db.dialect === 'sqlite') {
    const rows = await db.query<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, values);
    return rows.map(({ detail }) => detail);
  }
  return db.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off');
    const rows = await tx.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
    return rows.map((row) => row['QUERY PLAN']);
  });
}

export function plansSuite(fresh: Fresh): void {
  test('what pages and steps ask is found by index', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const { on, asked } = watched(db);
    const store = openStore(on, { nowMs: () => T0_MS + 9 * 86_400_000 });
    const rows = Array.from({ length: 100 }, (_, i) => [i]);
    const lines = rows.map(([i]) => [i! % 9 ? 'info' : 'warn', 'm', 'text'] as const);
    const channels = [{ name: 't', quantity: 'temperature', type: { kind: 'f64' } }] as const;
    const value = { stream: 'climate', version: 1, title: '', class: 'telemetry', channels } as const;
    const taken = await store.take(
      NODES.flatMap((node) => [
        meta([{ kind: 'descriptor', value }, anchor(0, T0, 100)], { node }),
        block(rows, { node }),
        logBlock(lines, { node }),
      ]),
      T0_MS,
    );
    const { streamId } = taken[1]!.stream!;
    const [node] = NODES as [string];
    const day = { fromNs: T0, toNs: T0 + 86_400n * S };
    await store.node(node, T0_MS);
    await store.gaps(node);
    await store.conflicts(node);
    await store.series(streamId, 0, day, 100);
    await store.readings(streamId, day, 100);
    await store.stream(streamId);
    await store.descriptor(streamId);
    for (const query of [{}, day, { node }, { level: 'error' }, { node, level: 'warn' }] as const)
      await store.logs({ ...query, limit: 10 });
    await store.take([meta([anchor(1_000, T0 + 1_000n * S)], { node, first: 2 })], T0_MS);
    while (await store.repairTimes());
    while (await store.forgetRows({ readings: 2, logs: 2 }));
    const scans: string[] = [];
    for (const [sql, values] of asked)
      for (const line of await planOf(db, sql, values))
        if (SCANS[db.dialect].test(line.trim())) scans.push(`${line.trim()} in ${sql}`);
    assert.deepEqual(scans, []);
    assert.ok(asked.size > 40, String(asked.size));
  });
}
