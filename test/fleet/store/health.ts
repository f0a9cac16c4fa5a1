import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeardHealth, openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { Fresh } from '../db/databases.js';
import { NODE, T0_MS } from './blocks.js';

const cause = { rule: 'part.missing', about: 'motion', what: 'it doesn’t answer' };
const health = (uptimeS: number, change: Partial<HeardHealth> = {}): HeardHealth => ({
  ...{ causes: [cause], causeCount: 1, parts: { motion: 'missing' }, partCount: 1, machine: { uptimeS } },
  ...{ atMs: T0_MS, ...change },
});

/** What a node last said of itself. */
export function healthSuite(fresh: Fresh): void {
  const open = async () => openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });

  test('the last word of how a node is stays, with its time, when its last will says nothing of it', async () => {
    const store = await open();
    await store.heard(NODE, T0_MS, { state: 'online' }, health(60));
    await store.heard(NODE, T0_MS + 9_000, { state: 'offline' });
    const node = await store.node(NODE, T0_MS + 10_000);
    assert.deepEqual(node?.status, { state: 'offline' });
    assert.deepEqual(node?.health, health(60));
    assert.equal(node?.cause, 'part.missing');
    assert.equal((await store.nodes(T0_MS))[0]?.cause, 'part.missing');
  });

  test('what a broker retained and gives again came when it came first; what is new came now', async () => {
    const store = await open();
    await store.heard(NODE, T0_MS, { state: 'online' }, health(60));
    await store.heard(NODE, T0_MS + 9_000, { state: 'online' }, health(60, { atMs: T0_MS + 9_000 }));
    assert.equal((await store.node(NODE, T0_MS))?.health?.atMs, T0_MS);
    const well = health(120, { causes: [], causeCount: 0, atMs: T0_MS + 60_000 });
    await store.heard(NODE, T0_MS + 60_000, { state: 'online' }, well);
    const node = await store.node(NODE, T0_MS);
    assert.deepEqual([node?.health, node?.cause], [well, undefined]);
    assert.equal((await store.nodes(T0_MS, { search: NODE.slice(0, 4) }))[0]?.cause, undefined);
  });

  test('a node that never said how it is has no health', async () => {
    const store = await open();
    await store.heard(NODE, T0_MS, { state: 'online' });
    assert.equal((await store.node(NODE, T0_MS))?.health, undefined);
  });
}
