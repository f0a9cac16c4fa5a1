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

test('closing waits 5 s at most for what is under way, such as on a server that stands still', {
  skip: WITHOUT_POSTGRES,
}, async () => {
  const server = await startPostgres();
  const db = openPostgres(await server.database());
  try {
    await db.query('SELECT 1 AS one');
    const slow = db.query('SELECT 1 AS one FROM pg_sleep(8)');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = performance.now();
    await Promise.all([db.close(), db.close()]);
    const tookMs = performance.now() - before;
    assert.ok(tookMs > 4_000 && tookMs < 7_000, `${tookMs} ms`);
    await assert.rejects(db.query('SELECT 1 AS one'), { kind: 'down' });
    assert.equal((await slow).length, 1);
  } finally {
    await server.remove();
  }
});
