import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotHeldError } from '../../../fleet/ingest/index.js';
import { until } from '../../support/until.js';
import { block, senml } from './messages.js';
import { HELD, rig } from './rig.js';

for (const kind of ['down', 'busy', 'full'] as const) {
  test(`while the database is ${kind}, the spool acknowledges and receipts wait; then all is in the store`, async () => {
    const { store, ingest, take, receipts, states, spool } = await rig();
    store.fails = kind;
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => take(block(i, [i]))));
    assert.ok(outcomes.every((one) => one.kind === 'held'));
    assert.deepEqual([store.held.size, receipts.length, ingest.isSpooling], [0, 0, true]);
    store.fails = undefined;
    assert.deepEqual(await take(block(20, [20])), HELD);
    await until('the spool is empty', () => spool.isEmpty);
    assert.deepEqual([store.held.size, receipts.length, store.duplicates], [21, 21, 0]);
    await until('it stores again', () => !ingest.isSpooling);
    assert.deepEqual(states, ['spooling', 'storing']);
    await ingest.close();
  });
}

test('what the spool has no room for is not acknowledged, and may come again', async () => {
  const { store, ingest, take } = await rig({ maxBytes: 200 });
  store.fails = 'down';
  assert.deepEqual(await take(block(0, [0])), HELD);
  await assert.rejects(take(block(1, [1])), NotHeldError);
  store.fails = undefined;
  await until('it stores again', () => store.held.size === 1);
  assert.deepEqual(await take(block(1, [1])), HELD);
  await ingest.close();
});

test('what was spooled is taken by the next process', async () => {
  const first = await rig();
  first.store.fails = 'down';
  await Promise.all([first.take(block(0, [0])), first.take(senml('truck', [{ n: 'x', v: 1 }]))]);
  await first.ingest.close();
  const second = await rig({ folder: first.at });
  await until('both are in the store', () => second.store.held.size === 2);
  assert.deepEqual(second.receipts, ['climate 0']);
  await until('the spool is empty', () => second.spool.isEmpty);
  await second.ingest.close();
});

test('a clock that is set back does not keep the store from being tried again', async () => {
  let backMs = 0;
  const { store, ingest, take, spool } = await rig({ nowMs: () => Date.now() - backMs });
  store.fails = 'down';
  await take(block(0, [0]));
  backMs = 86_400_000;
  store.fails = undefined;
  await take(block(1, [1]));
  await until('both are in the store', () => store.held.size === 2, 5_000);
  await until('the spool is empty', () => spool.isEmpty);
  await ingest.close();
});

test('a spool that the store only takes in small pieces gets empty all the same', async () => {
  const { store, ingest, take, spool } = await rig();
  store.fails = 'down';
  await Promise.all(Array.from({ length: 300 }, (_, i) => take(block(i, [i]))));
  store.fails = undefined;
  store.most = 100;
  await until('the spool is empty', () => spool.isEmpty, 10_000);
  assert.equal(store.held.size, 300);
  await ingest.close();
});
