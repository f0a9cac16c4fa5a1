import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatabaseError, openPostgres } from '../../../fleet/db/index.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';

test('a server that goes between two statements of a transaction is `down`, and serves again once it is back', {
  skip: WITHOUT_POSTGRES,
}, async (t) => {
  const server = await startPostgres();
  const db = openPostgres(await server.database());
  t.after(async () => {
    await db.close();
    await server.remove();
  });
  const failing = db.transaction(async (tx) => {
    await tx.query('SELECT 1');
    await server.kill('SIGINT');
    // Its goodbye comes in between: nobody asked for it, and nothing may end by it.
    await new Promise((resolve) => setImmediate(resolve));
    await tx.query('SELECT 1');
  });
  await assert.rejects(failing, (error: DatabaseError) => error.kind === 'down');
  await server.start();
  assert.equal((await db.query('SELECT 1 AS one'))[0]!.one, 1n);
});

test('a server that takes no writes, as one that only follows another, is `down`: no message is to blame', {
  skip: WITHOUT_POSTGRES,
}, async (t) => {
  const server = await startPostgres();
  const db = openPostgres(await server.database());
  t.after(async () => {
    await db.close();
    await server.remove();
  });
  await db.query('CREATE TABLE thing (name TEXT)');
  const failing = db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION READ ONLY');
    await tx.query(`INSERT INTO thing (name) VALUES ('a')`);
  });
  await assert.rejects(failing, (error: DatabaseError) => error.kind === 'down');
});
