import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Store, verifyStore } from '../../runtime/store/index.js';
import { fill, mounted } from './mounted.js';
import { allGaps, heldRows, openTest, rowsOf, testDeps, testOptions, until } from './support.js';

const SIZE = 4 * 1024 * 1024;

/** Rows that don't compress. */
function noise(first: number, count: number) {
  const ids = Array.from({ length: count }, (_, i) => first + i);
  const rows = rowsOf('t', ids);
  for (let i = 0; i < count; i += 1) rows.values[2 * i] = Math.floor(Math.random() * 2 ** 40) / 100;
  return rows;
}

async function fillUntilRefused(store: Store, first: number, ballast: string): Promise<number> {
  let id = first;
  fill(ballast);
  for (let i = 0; i < 400 && store.status().health.state === 'ok'; i += 1) {
    store.append(noise(id, 500));
    id += 500;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => store.status().health.state === 'notWriting');
  return id;
}

async function drain(store: Store): Promise<number> {
  let rows = 0;
  for (;;) {
    const blocks = await store.read('telemetry', undefined, 50, 1e6);
    if (blocks.length === 0) return rows;
    for (const { header } of blocks) rows += header.count;
    store.dispose(blocks.map(({ position }) => ({ position, kind: 'receipt' })));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('FAULTS 5, 6: a full disk is drained, alarms are still committed, and within a second of room rows are too', async (t) => {
  const disk = mounted(t, '-t', 'tmpfs', '-o', 'size=6m', 'tmpfs');
  if (!disk) return t.skip('mounting a tmpfs needs root');
  const path = join(disk, 'store');
  const ballast = join(disk, 'others');
  const store = await openTest(testOptions(path, { sizeBytes: SIZE, memoryBytes: 100_000 }));
  for (let i = 0; i < 20; i += 1) {
    store.append(noise(1000 * i, 1000));
    await store.flush();
  }
  const end = await fillUntilRefused(store, 20_000, ballast);
  const received = await drain(store);
  const held = (): number => store.status().classes.find((one) => one.class === 'telemetry')!.commits;
  await until(() => held() === 0);
  assert.equal(store.status().health.state, 'notWriting', 'the disk is full all the while');
  assert.ok(received >= 20_000, `${received} rows were received`);
  const alarm = new Promise<number>((resolve) => {
    store.onCommit(({ classes }) => classes.includes('alarm') && resolve(Date.now()));
  });
  store.append(rowsOf('a', [7]));
  await alarm;
  assert.deepEqual(
    (await heldRows(store, ['alarm'])).map(({ count }) => count),
    [7],
  );
  rmSync(ballast);
  const freed = Date.now();
  await store.flush();
  t.diagnostic(
    `drained ${received} rows on a full disk; writing again ${Date.now() - freed} ms after room came`,
  );
  assert.deepEqual(store.status().health, { state: 'ok' });
  const rows = (await heldRows(store, ['telemetry'])).length;
  const gaps = (await allGaps(store)).filter((gap) => gap.stream === 't');
  const lost = gaps.reduce((sum, gap) => sum + gap.last! - gap.first + 1, 0);
  assert.equal(received + rows + lost, end, 'received, stored and lost make up what was produced');
  assert.ok(
    gaps.every((gap) => gap.cause === 'overflow' && gap.first >= 20_000),
    '0 acknowledged are lost',
  );
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});
