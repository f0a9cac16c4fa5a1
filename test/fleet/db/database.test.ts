import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DatabaseError, migrate } from '../../../fleet/db/index.js';
import { onBothDatabases } from './databases.js';

const TABLE = {
  id: 'test-1',
  statements: (dialect: string) => [
    `CREATE TABLE thing (name TEXT PRIMARY KEY, size BIGINT, weight DOUBLE PRECISION, raw ${dialect === 'sqlite' ? 'BLOB' : 'BYTEA'})`,
  ],
};
const INSERT = 'INSERT INTO thing (name, size, weight, raw) VALUES ($1, $2, $3, $4)';

onBothDatabases('a database', (fresh) => {
  test('integers come back as bigint, whole, reals as numbers, bytes as bytes', async () => {
    const db = await fresh([TABLE]);
    await db.query(INSERT, ['a', 2n ** 62n, 5, Uint8Array.of(1, 2)]);
    const [row] = await db.query(
      'SELECT size, weight, raw, count(*) AS n FROM thing GROUP BY name, size, weight, raw',
    );
    assert.deepEqual(
      { ...row, raw: Buffer.from(row!.raw as Uint8Array).toString('hex') },
      { size: 2n ** 62n, weight: 5, raw: '0102', n: 1n },
    );
  });

  test('values may be used twice, and out of order', async () => {
    const db = await fresh();
    const [row] = await db.query(
      'SELECT CAST($2 AS TEXT) AS b, CAST($1 AS TEXT) AS a, CAST($2 AS TEXT) AS c',
      ['x', 'y'],
    );
    assert.deepEqual({ ...row }, { b: 'y', a: 'x', c: 'y' });
  });

  test('a transaction is all or nothing, and a query beside it is not part of it', async () => {
    const db = await fresh([TABLE]);
    const failing = db.transaction(async (tx) => {
      await tx.query(INSERT, ['a', 1n, 1, null]);
      throw new Error('no');
    });
    await assert.rejects(failing, /^Error: no$/);
    await db.transaction(async (tx) => {
      await tx.query(INSERT, ['b', 1n, 1, null]);
      assert.equal((await tx.query('SELECT name FROM thing')).length, 1);
    });
    assert.deepEqual(
      (await db.query('SELECT name FROM thing')).map(({ name }) => name),
      ['b'],
    );
  });

  test('many at once: none is lost', async () => {
    const db = await fresh([TABLE]);
    const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
    await Promise.all(names.map((name) => db.transaction((tx) => tx.query(INSERT, [name, 1n, 1, null]))));
    const [row] = await db.query('SELECT count(*) AS n FROM thing');
    assert.equal(row!.n, 40n);
  });

  test('who looks for long holds up nobody who writes', async () => {
    const db = await fresh([TABLE]);
    const order: string[] = [];
    // Some seconds of work, of which the database itself knows the end.
    const slow = db
      .query(
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT count(*) AS n FROM n',
      )
      .then(([row]) => order.push(`read ${row!.n}`));
    await db.transaction((tx) => tx.query(INSERT, ['a', 1n, 1, null]));
    order.push('written');
    await slow;
    assert.deepEqual(order, ['written', 'read 2000000']);
  });

  test('errors are of a closed kind', async () => {
    const db = await fresh([TABLE]);
    await db.query(INSERT, ['a', 1n, 1, null]);
    const kindOf = (sql: string, values: readonly string[] = []) =>
      db.query(sql, values).then(
        () => 'none',
        (error: DatabaseError) => error.kind,
      );
    assert.equal(await kindOf(`INSERT INTO thing (name) VALUES ('a')`), 'constraint');
    assert.equal(await kindOf('SELECT nothing FROM nowhere'), 'wrong');
  });

  test('a transaction that went on after an error of its own either is on the disk, or rejects', async () => {
    const db = await fresh([TABLE]);
    const went = await db
      .transaction(async (tx) => {
        await tx.query(INSERT, ['a', 1n, 1, null]);
        await tx.query('SELECT nothing FROM nowhere').catch(() => undefined);
      })
      .then(
        () => true,
        () => false,
      );
    assert.equal((await db.query('SELECT name FROM thing')).length, went ? 1 : 0);
  });

  test('one that is closed is down, whatever is asked', async () => {
    const db = await fresh([TABLE]);
    await db.query('SELECT name FROM thing');
    await db.close();
    const asked = [
      () => db.query('SELECT name FROM thing'),
      () => db.query('SELECT size FROM thing'),
      () => db.query(INSERT, ['a', 1n, 1, null]),
      () => db.transaction((tx) => tx.query(INSERT, ['a', 1n, 1, null])),
    ];
    for (const ask of asked) await assert.rejects(ask, { name: 'DatabaseError', kind: 'down' });
  });

  test('a schema is brought up to date once, and a later one is refused', async () => {
    const db = await fresh([TABLE]);
    await migrate(db, [TABLE]);
    const more = { id: 'test-2', statements: () => ['ALTER TABLE thing ADD COLUMN colour TEXT'] };
    await migrate(db, [TABLE, more]);
    await db.query(`INSERT INTO thing (name, colour) VALUES ('a', 'red')`);
    await assert.rejects(migrate(db, [TABLE]), /a later version \(test-2\)/);
  });
});
