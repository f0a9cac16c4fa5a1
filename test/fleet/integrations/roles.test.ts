import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Database, openPostgres } from '../../../fleet/db/index.js';
import { dashboards } from '../../../fleet/integrations/grafana/index.js';
import { VIEWS } from '../../../fleet/integrations/index.js';
import { type Postgres, startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { NODE } from '../store/blocks.js';
import { interpolated, panelsOf, queryVariablesOf } from './grafana.js';
import { fillFleet, START_MS } from './world.js';

const ROOT = join(fileURLToPath(import.meta.url), '../../../../..');
const PAGE = readFileSync(join(ROOT, 'docs/integrations.md'), 'utf8');
const [READER, LOG_ALL_READER] = [...PAGE.matchAll(/```sql\n(.*?)```/gs)].map((found) => found[1]!);
const LOG_ALL = readFileSync(join(ROOT, 'fleet/integrations/fluent-bit/log_all.sql'), 'utf8');
const LOOKING = {
  ...{ fromMs: START_MS - 60_000, toMs: START_MS + 660_000, intervalMs: 60_000 },
  variables: { group: 'all', node: NODE, stream: 'climate', channel: 'temperature', level: '0', text: '' },
};
/** A line of the journal 20 s after the start, and one that is no journal's. */
const JOURNAL = [
  { date: START_MS / 1_000 + 20, PRIORITY: '3', SYSLOG_IDENTIFIER: 'sshd', MESSAGE: "it's late", node: NODE },
  { date: START_MS / 1_000 + 21.5, log: 'plain' },
];

describe('the roles of docs/integrations.md, on PostgreSQL', { skip: WITHOUT_POSTGRES }, () => {
  const opened: Database[] = [];
  let server: Postgres;
  let url: string;
  const as = (role: string) => {
    const db = openPostgres(url.replace('user=fleet', `user=${role}`));
    opened.push(db);
    return db;
  };
  before(async () => {
    server = await startPostgres();
    url = await server.database();
    await fillFleet(as('fleet'));
    const [fleet] = opened;
    for (const sql of [READER!, LOG_ALL, LOG_ALL_READER!]) await run(fleet!, sql);
    // Whatever the zone of the server, times are right.
    await fleet!.query(`ALTER DATABASE ${/\/(\w+)\?/.exec(url)![1]} SET timezone = 'Asia/Tokyo'`);
  });
  after(async () => {
    for (const db of opened) await db.close();
    await server?.remove();
  });

  test('the reader sees every view and dashboard, and no table', async () => {
    const reader = as('cairn_reader');
    for (const view of Object.keys(VIEWS)) await reader.query(`SELECT * FROM ${view}`);
    for (const one of [...dashboards('view_log'), ...dashboards('log_all')]) {
      const queries = queryVariablesOf(one).map(({ query }) => query as string);
      for (const sql of [...queries, ...panelsOf(one).map(({ query }) => query.rawSql)])
        await reader.query(interpolated(sql, LOOKING));
    }
    for (const table of ['person', 'session', 'token', 'reading', 'fluentbit.fluentbit'])
      await assert.rejects(reader.query(`SELECT * FROM ${table}`), /permission denied/);
    await assert.rejects(reader.query('CREATE TEMPORARY TABLE mine (x BIGINT)'), /read-only/);
  });

  test('what Fluent Bit does and writes at its start, and log_all over both', async () => {
    const fluentbit = as('fluentbit');
    await fluentbit.query('CREATE TABLE IF NOT EXISTS "fluentbit" (tag varchar, time timestamp, data jsonb)');
    // As the output pgsql does: an array of JSON, its time from one of its keys.
    await fluentbit.query(
      `INSERT INTO "fluentbit" SELECT 'journal', to_timestamp((value ->> 'date')::float), * FROM json_array_elements($1::json)`,
      [JSON.stringify(JOURNAL)],
    );
    await assert.rejects(fluentbit.query('SELECT * FROM public.view_log'), /permission denied/);
    const lines = await as('cairn_reader').query('SELECT * FROM log_all ORDER BY at_ns');
    assert.deepEqual(
      lines.map(({ at_ns, level, name, module, text }) => [
        Number((at_ns as bigint) / 1_000_000n) - START_MS,
        ...[level, name, module, text],
      ]),
      [
        [3_000, 'info', 'Dock 7', 'uplink', 'connected'],
        [4_000, 'error', 'Dock 7', 'store', "100% full: it's gone"],
        [20_000, 'error', 'Dock 7', 'sshd', "it's late"],
        [21_500, 'info', 'journal', 'journal', 'plain'],
      ],
    );
    for (const { at_ns, time } of lines)
      assert.equal((time as unknown as Date).getTime(), Number((at_ns as bigint) / 1_000_000n));
  });
});

async function run(db: Database, sql: string): Promise<void> {
  for (const statement of sql.replace(/^--.*$/gm, '').split(';'))
    if (statement.trim()) await db.query(statement);
}
