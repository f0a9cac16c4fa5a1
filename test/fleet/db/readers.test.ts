import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqlite } from '../../../fleet/db/index.js';
import { SqliteReaders } from '../../../fleet/db/sqlite-readers.js';

/** So many steps of work. */
const SLOW =
  'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT count(*) AS n FROM n';

test('a question that takes too long is given up, and those after it go to the other thread', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-readers-'));
  const path = join(folder, 'a.db');
  const db = openSqlite(path);
  await db.query('CREATE TABLE thing (name TEXT)');
  const readers = new SqliteReaders(path, 500);
  try {
    // Both threads are there.
    for (let i = 0; i < 8; i++) await readers.read('SELECT name FROM thing', []).catch(() => undefined);
    await assert.rejects(readers.read(SLOW, [20_000_000n]), { kind: 'busy' });
    for (let i = 0; i < 4; i++) assert.deepEqual(await readers.read('SELECT name FROM thing', []), []);
  } finally {
    await readers.close();
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
