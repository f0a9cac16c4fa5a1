import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Store, verifyStore } from '../../runtime/store/index.js';
import { fill, mounted, run } from './mounted.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions, until } from './support.js';

/** Every id that a commit has acknowledged, in order; ids are appended one by one, from 0. */
async function checkAccount(store: Store, produced: number, acknowledged: number): Promise<void> {
  const held = await heldRows(store, ['telemetry']);
  const gaps = (await allGaps(store)).filter((gap) => gap.stream === 't');
  const lost = gaps.reduce((sum, gap) => sum + gap.last! - gap.first + 1, 0);
  assert.equal(held.length + lost, produced, 'stored and lost make up what was produced');
  assert.ok(
    held.every((row) => row.count === row.sequence),
    'numbers follow production',
  );
  assert.ok(
    gaps.every((gap) => gap.cause === 'overflow' && gap.first >= acknowledged),
    '0 acknowledged are lost',
  );
}

test('a full disk for a while: 0 acknowledged lost, sampling goes on, gaps for what was dropped', async (t) => {
  const disk = mounted(t, '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs');
  if (!disk) return t.skip('mounting a tmpfs needs root');
  const path = join(disk, 'store');
  const store = await openTest(testOptions(path, { sizeBytes: 1536 * 1024, memoryBytes: 40_000 }));
  let id = 0;
  const append = async (rows: number): Promise<void> => {
    for (const end = id + rows; id < end; id += 1) {
      store.append(rowsOf('t', [id]));
      if (id % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  await append(1000);
  await store.flush();
  let acknowledged = id;
  store.onCommit(({ rows, classes }) => {
    if (classes.length === 1 && classes[0] === 'telemetry') acknowledged += rows;
  });
  fill(join(disk, 'ballast'));
  for (let i = 0; i < 50 && store.status().health.state === 'ok'; i += 1) await append(500);
  const health = store.status().health;
  assert.ok(health.state === 'notWriting', 'the disk is full');
  await append(20_000);
  const atFailure = acknowledged;
  assert.ok(store.status().pendingRows < 20_000, 'memory is bounded');
  rmSync(join(disk, 'ballast'));
  await store.flush();
  await append(500);
  await store.flush();
  assert.deepEqual(store.status().health, { state: 'ok' });
  assert.ok(atFailure > 1000, 'some was acknowledged while the disk filled up');
  await checkAccount(store, id, atFailure);
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});

test('FAULTS 8: a disk that turns read-only: what it holds is read on, bounded memory, an error in the health, gaps; nothing acknowledged is lost', async (t) => {
  const image = join(temporary(t), 'image');
  writeFileSync(image, new Uint8Array(8 * 1024 * 1024));
  const made = run('mkfs.ext4', '-q', '-O', '^has_journal', image);
  const disk = made ? mounted(t, '-o', 'loop', image) : undefined;
  if (!disk) return t.skip('a loop device with ext4 needs root and mkfs.ext4');
  const path = join(disk, 'store');
  const store = await openTest(testOptions(path, { sizeBytes: 4 * 1024 * 1024, memoryBytes: 40_000 }));
  for (let id = 0; id < 100; id += 1) store.append(rowsOf('t', [id]));
  await store.flush();
  if (!run('mount', '-o', 'remount,abort', disk)) return t.skip('this kernel refuses remount,abort');
  for (let id = 100; id < 30_000; id += 1) store.append(rowsOf('t', [id]));
  await until(() => store.status().health.state === 'notWriting');
  const { health, pendingRows } = store.status();
  assert.ok(health.state === 'notWriting' && /read-only/i.test(health.reason), JSON.stringify(health.state));
  assert.ok(pendingRows < 10_000, `${pendingRows} rows in memory`);
  const readable = (await heldRows(store, ['telemetry'])).length;
  t.diagnostic(`${readable} rows are read from a disk that takes no write, ${pendingRows} wait`);
  assert.ok(readable >= 100, `${readable} rows are read while the disk refuses`);
  await store.close();
  // A power cycle and a repaired card: the disk takes writes again.
  assert.ok(run('umount', disk) && run('mount', '-o', 'loop', image, disk));
  const again = await openTest(testOptions(path));
  const counts = (await heldRows(again, ['telemetry'])).map((row) => row.count);
  assert.deepEqual(
    counts.slice(0, 100),
    Array.from({ length: 100 }, (_, n) => n),
  );
  const gaps = again.openGaps().filter((gap) => gap.stream === 't');
  assert.ok(gaps.length === 1 && gaps[0]!.cause === 'uncleanStop' && gaps[0]!.first === counts.length);
  await again.close();
});
