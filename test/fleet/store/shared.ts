import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { Fresh } from '../db/databases.js';
import { block, T0_MS } from './blocks.js';

const NODES = Array.from({ length: 40 }, (_, i) => String(i).padStart(16, '0'));

/** As many blocks as `size` nodes from `at` on have, in an order of their own. */
const some = (at: number, size: number, first: number) =>
  Array.from({ length: size }, (_, i) => NODES[(at + 7 * i) % NODES.length]!).map((node) =>
    block([[1], [2]], { node, first }),
  );

export function sharedSuite(fresh: Fresh): void {
  test('two stores on one database that meet the same new nodes never block each other for good', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const stores = [0, 1, 2].map(() => openStore(db, { nowMs: () => T0_MS }));
    const take = async (which: number) => {
      for (let turn = 0; turn < 12; turn++)
        await stores[which]!.take(some(3 * turn + 5 * which, 6 + turn, 0), T0_MS);
    };
    await Promise.all([take(0), take(1), take(2)]);
    const refuse = (causes: readonly string[]) =>
      Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          stores[i % 3]!.refused(
            Object.fromEntries((i % 2 ? causes : causes.toReversed()).map((cause) => [cause, 1])),
          ),
        ),
      );
    await refuse(['badCrc', 'short', 'topic', 'line']);
    assert.deepEqual(
      { ...(await stores[0]!.refusals()) },
      { badCrc: 20n, line: 20n, short: 20n, topic: 20n },
    );
    const [rows] = await db.query('SELECT count(*) AS n, count(DISTINCT stream_id) AS streams FROM reading');
    assert.equal(rows!.n, 2n * (rows!.streams as bigint));
  });
}
