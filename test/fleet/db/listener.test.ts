import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Listener, openPostgres } from '../../../fleet/db/index.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';

test('a listener hears what is said, and again after its connection or the whole server was gone', {
  skip: WITHOUT_POSTGRES,
}, async () => {
  const server = await startPostgres();
  const url = await server.database();
  const db = openPostgres(url);
  const heard: string[] = [];
  const listener = new Listener(url, 'news', (text) => heard.push(text));
  const say = async (text: string) => {
    await db.query('SELECT pg_notify($1, $2)', ['news', text]);
    await until(`it heard ${text}`, () => heard.at(-1) === text);
  };
  try {
    assert.deepEqual([await listener.listen(), await listener.listen()], [true, false]);
    await say('one');
    await db.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT 1%' AND pid <> pg_backend_pid()`,
    );
    await until('it listens anew', () => listener.listen().catch(() => false));
    await say('two');
    await server.kill('SIGKILL');
    await assert.rejects(listener.listen());
    await server.start();
    await until('it listens anew', () => listener.listen().catch(() => false));
    await say('three');
    assert.deepEqual(heard, ['one', 'two', 'three']);
  } finally {
    await listener.close();
    await db.close();
    await server.remove();
  }
});
