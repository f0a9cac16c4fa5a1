import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Database, migrate, openPostgres, openSqlite, type SqlRow } from '../../../fleet/db/index.js';
import { DATA_SOURCE, dashboards } from '../../../fleet/integrations/grafana/index.js';
import type { Store } from '../../../fleet/store/index.js';
import { type Postgres, startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { NODE, S } from '../store/blocks.js';
import { interpolated, type Looking, panelsOf, queryVariablesOf } from './grafana.js';
import { BACKLOG, fillFleet, LATE, MIGRATIONS, SILENT, START_MS } from './world.js';

const ALL = dashboards('view_log');
const LOOKING: Looking = {
  ...{ fromMs: START_MS - 60_000, toMs: START_MS + 780_000, intervalMs: 1_000 },
  variables: { group: 'all', node: NODE, stream: 'climate', channel: 'temperature', level: '0', text: '' },
};

test('dashboards are well formed: ids, places, the data source by its variable', () => {
  for (const one of ALL) {
    const panels = one.panels ?? [];
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = panels.flatMap(({ gridPos }) => {
      const { x, y, w, h } = gridPos!;
      assert.ok(x >= 0 && x + w <= 24, `${one.title}: ${x} + ${w} is beyond 24 columns`);
      return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
    });
    assert.equal(new Set(cells).size, cells.length, `${one.title}: panels overlap`);
    for (const { query } of panelsOf(one)) assert.deepEqual(query.datasource, DATA_SOURCE);
    for (const { datasource } of queryVariablesOf(one)) assert.deepEqual(datasource, DATA_SOURCE);
    assert.equal(one.templating!.list![0]!.name, 'datasource');
    assert.deepEqual(JSON.parse(JSON.stringify(one)).uid, one.uid);
  }
  assert.equal(new Set(ALL.map(({ uid }) => uid)).size, ALL.length);
});

test('a file of SQLite takes the migration, and has no views', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-views-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const db = openSqlite(join(folder, 'fleet.db'));
  await migrate(db, MIGRATIONS);
  assert.deepEqual(await db.query(`SELECT name FROM sqlite_master WHERE type = 'view'`), []);
  await db.close();
});

describe('the SQL of the dashboards, on PostgreSQL', { skip: WITHOUT_POSTGRES }, () => {
  let server: Postgres;
  let db: Database;
  let store: Store;
  before(async () => {
    server = await startPostgres();
    db = openPostgres(await server.database());
    store = await fillFleet(db);
  });
  after(async () => {
    await db?.close();
    await server?.remove();
  });

  const run = (sql: string, looking = LOOKING) => db.query(interpolated(sql, looking));
  const panel = (title: string, looking = LOOKING): Promise<readonly SqlRow[]> =>
    run(ALL.flatMap(panelsOf).find((one) => one.title === title)!.query.rawSql, looking);

  test('every panel has rows; a series has times in order, and a number', async () => {
    for (const { title, query } of ALL.flatMap(panelsOf)) {
      const found = await run(query.rawSql);
      assert.ok(found.length > 0, `${title} has no rows`);
      if (query.format !== 'time_series') continue;
      const times = found.map(({ time }) => (time as unknown as Date).getTime());
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
        title,
      );
      assert.ok(
        found.some((row) =>
          Object.values(row).some((value) => typeof value === 'number' || typeof value === 'bigint'),
        ),
      );
    }
  });

  test('every variable has values', async () => {
    for (const { name, query } of ALL.flatMap(queryVariablesOf))
      assert.ok((await run(query as string)).length > 0, `${name} has no values`);
    const channels = ALL.flatMap(queryVariablesOf).find(({ name }) => name === 'channel')!;
    assert.deepEqual(await run(channels.query as string), [
      { channel: 'humidity' },
      { channel: 'temperature' },
    ]);
  });

  test('what somebody types is text, never SQL', async () => {
    for (const typed of ["x' OR '1'='1", '', '%']) {
      const variables = { ...LOOKING.variables, node: typed, stream: typed, channel: typed, group: typed };
      for (const { query } of ALL.flatMap(panelsOf)) await run(query.rawSql, { ...LOOKING, variables });
      assert.deepEqual(await panel('Nodes', { ...LOOKING, variables }), []);
    }
    const lines = async (text: string) =>
      (await panel('Lines, the newest 1,000', { ...LOOKING, variables: { ...LOOKING.variables, text } }))
        .length;
    assert.deepEqual([await lines("0% full: it's"), await lines('%'), await lines('_')], [1, 1, 0]);
  });

  test('states are those of the list that the store gives', async () => {
    assert.deepEqual(await panel('Nodes by state'), [{ live: 1n, backlog: 1n, late: 1n, silent: 1n }]);
    const nodes = await store.nodes(Date.now());
    const state = new Map(nodes.map((one) => [one.node, one.state]));
    assert.deepEqual(
      [NODE, BACKLOG, LATE, SILENT].map((node) => state.get(node)),
      ['live', 'backlog', 'late', 'silent'],
    );
    for (const row of await panel('Nodes')) assert.equal(row.state, state.get(row.node as string));
  });

  test('readings by second, across a change of channels, broken in the hole', async () => {
    const found = await panel('Readings');
    const seconds = found.map(({ time }) => (time as unknown as Date).getTime() - START_MS);
    const expected = [
      ...Array.from({ length: 10 }, (_, i) => [i * 1_000, 20 + i]),
      [9_000, null],
      ...Array.from({ length: 10 }, (_, i) => [15_000 + i * 1_000, 40]),
      ...Array.from({ length: 5 }, (_, i) => [25_000 + i * 1_000, 21]),
    ];
    assert.deepEqual(
      found.map(({ mean }, i) => [seconds[i], mean]),
      expected,
    );
    const ten = (await panel('Readings', { ...LOOKING, intervalMs: 10_000 })).filter(
      ({ mean }) => mean !== null,
    );
    assert.deepEqual(
      ten.map(({ mean, min, max }) => [mean, min, max]),
      [
        [24.5, 20, 29],
        [40, 40, 40],
        // 5 s of 40 and 5 s of 21.
        [30.5, 21, 40],
      ],
    );
  });

  test('holes, what is lost, conflicts, uncertainty, boots', async () => {
    const [hole] = await panel('Holes');
    assert.deepEqual([hole!.first, hole!.hole_rows, hole!.causes], [10n, 5n, 'quota']);
    assert.deepEqual(
      (await panel('Rows lost, by cause')).map(({ cause, lost_rows }) => [cause, Number(lost_rows)]),
      [['quota', 3]],
    );
    assert.deepEqual(
      (await panel('Conflicts')).map(({ name, stream, conflicts }) => [name, stream, conflicts]),
      [['Dock 7', 'climate', 1n]],
    );
    for (const row of await panel('Uncertainty of times')) assert.ok((row['±'] as number) >= 5);
    const [boot] = await panel('Boots');
    assert.equal((boot!.started as unknown as Date).getTime(), START_MS);
  });

  test('a window reads its own days only, by their index', async () => {
    await db.query(
      `CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM (${86_400n * S}) TO (${172_800n * S})`,
    );
    const sql = ALL.flatMap(panelsOf).find(({ title }) => title === 'Readings')!.query.rawSql;
    const plan = await db.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${interpolated(sql, LOOKING)}`);
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(text, new RegExp(`reading_${Math.floor(START_MS / 86_400_000)}`));
    assert.doesNotMatch(text, /reading_1\b|reading_timeless/);
    assert.match(text, /Index Cond: .*wall_ns >= /);
  });
});
