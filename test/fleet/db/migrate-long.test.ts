import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate, openPostgres } from '../../../fleet/db/index.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';

const LONG = { id: 'long-1', statements: () => ['CREATE TABLE thing (name TEXT)', 'SELECT pg_sleep(1)'] };

test('a step of the schema may take longer than what pages ask', { skip: WITHOUT_POSTGRES }, async () => {
  const server = await startPostgres();
  const limits = 'statement_timeout=200&query_timeout=400';
  const url = await server.database();
  const db = openPostgres(`${url}${url.includes('?') ? '&' : '?'}${limits}`);
  try {
    await assert.rejects(db.query('SELECT pg_sleep(1)'), { kind: 'busy' });
    await migrate(db, [LONG]);
    assert.deepEqual(await db.query('SELECT name FROM thing'), []);
    await assert.rejects(db.query('SELECT pg_sleep(1)'), { kind: 'busy' });
  } finally {
    await db.close();
    await server.remove();
  }
});
