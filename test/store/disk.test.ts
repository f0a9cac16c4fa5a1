import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Store, verifyStore } from '../../runtime/store/index.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions, until } from './support.js';

function run(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Mounts what `args` say on a directory of the test's; undefined where that isn't allowed. */
function mounted(t: TestContext, ...args: string[]): string | undefined {
  const point: string = join(
    temporary(t, () => void run('umount', '-l', point)),
    'disk',
  );
  mkdirSync(point);
  return run('mount', ...args, point) ? point : undefined;
}

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

test('a disk that turns read-only: bounded memory, an error in the health, gaps; nothing acknowledged is lost', async (t) => {
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

/** Fills the disk to the last page. */
function fill(path: string): void {
  for (let bytes = 1024 * 1024, part = 0; bytes >= 4096; part += 1) {
    try {
      writeFileSync(path, new Uint8Array(bytes), { flag: 'a' });
    } catch {
      bytes /= 2;
    }
    if (part > 100) return;
  }
}
