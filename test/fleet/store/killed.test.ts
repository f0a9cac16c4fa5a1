import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError, migrate, openDatabase } from '../../../fleet/db/index.js';
import { openStore, STORE_MIGRATIONS, type Taken } from '../../../fleet/store/index.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { block, T0_MS } from './blocks.js';

const NODES = Array.from({ length: 10 }, (_, i) => String(i).padStart(16, '0'));

test('PostgreSQL killed while blocks are taken: what is sent again until it is had is there once', {
  skip: WITHOUT_POSTGRES,
}, async () => {
  const server = await startPostgres();
  const db = openDatabase(await server.database());
  try {
    await migrate(db, STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: () => T0_MS });
    let failures = 0;
    const takeUntilHad = async (first: number): Promise<readonly Taken[]> => {
      const blocks = NODES.map((node) => block([[1], [2]], { node, first }));
      for (;;) {
        try {
          return await store.take(blocks, T0_MS);
        } catch (error) {
          assert.ok(error instanceof DatabaseError && error.kind === 'down', String(error));
          failures++;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    };
    let batches = 0;
    for (let kills = 0; kills < 2; kills++) {
      for (let i = 0; i < 5; i++) await takeUntilHad(2 * batches++);
      const under = takeUntilHad(2 * batches++);
      await server.kill('SIGKILL');
      await server.start();
      await under;
    }
    assert.ok(failures > 0);
    const [rows] = await db.query(
      'SELECT count(*) AS n, count(DISTINCT (stream_id, seq)) AS once FROM reading',
    );
    const wanted = BigInt(batches * NODES.length * 2);
    assert.deepEqual({ ...rows }, { n: wanted, once: wanted });
  } finally {
    await db.close();
    await server.remove();
  }
});
