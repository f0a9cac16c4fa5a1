import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Channel, Rows } from '../../drivers/contract/index.js';
import { openStore, type Store, type StoreLog, verifyStore } from '../../runtime/store/index.js';
import { fill, mounted } from './mounted.js';
import { allGaps, heldRows, openTest, rowsOf, testDeps, testOptions, until } from './support.js';

const MIB = 1024 * 1024;
const NOISE = 2 ** 40;

/** Rows that no codec makes small. */
function noise(first: number, count: number) {
  const rows = rowsOf(
    't',
    Array.from({ length: count }, (_, i) => first + i),
  );
  for (let i = 0; i < count; i += 1) rows.values[2 * i] = Math.floor(Math.random() * NOISE) / 100;
  return rows;
}

const BLOB: readonly Channel[] = [{ name: 'blob', quantity: 'count', type: { kind: 'bytes' } }];

/** Rows of a kilobyte that nothing makes smaller. */
function blobs(count: number): Rows {
  return {
    stream: 'blobs',
    timesNs: new BigInt64Array(count),
    values: new Float64Array(count).fill(Number.NaN),
    quality: new Uint8Array(count),
    texts: Array.from({ length: count }, () => randomBytes(1000)),
  };
}

async function drain(store: Store): Promise<number> {
  let rows = 0;
  for (;;) {
    const blocks = await store.read('telemetry', undefined, 50, MIB);
    if (blocks.length === 0) return rows;
    for (const { header } of blocks) rows += header.count;
    store.dispose(blocks.map(({ position }) => ({ position, kind: 'receipt' })));
    await store.flush();
  }
}

/** What a compaction that failed leaves: a table that is nobody's. It takes the disk to the last page. */
function strayTable(store: string, number: number): void {
  const path = join(store, 'level', `${number}.ldb`);
  appendFileSync(path, new Uint8Array(4096));
  fill(path);
}

test('FAULTS 5: a disk that LevelDB’s own failed compactions filled up: the store frees it, without hands', async (t) => {
  const disk = mounted(t, '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs');
  if (!disk) return t.skip('mounting a tmpfs needs root');
  const path = join(disk, 'store');
  const store = await openTest(testOptions(path, { sizeBytes: 4 * MIB }));
  store.append(noise(0, 1000));
  await store.flush();
  strayTable(path, 900_000);
  store.append(noise(1000, 5000));
  await until(() => store.status().health.state === 'notWriting');
  // What goes on compacting while the ballast gives way takes that too.
  strayTable(path, 900_001);
  await until(() => store.status().health.state === 'ok', 30_000);
  await store.flush();
  assert.deepEqual(
    (await heldRows(store, ['telemetry'])).map(({ count }) => count),
    Array.from({ length: 6000 }, (_, n) => n),
  );
  assert.deepEqual(await allGaps(store), []);
  await store.close();

  strayTable(path, 900_002);
  const again = await openTest(testOptions(path, { sizeBytes: 4 * MIB }));
  again.append(noise(6000, 10));
  await again.flush();
  assert.equal((await heldRows(again, ['telemetry'])).length, 6010);
  await again.close();
});

test('a store that is to take all of its partition takes what compaction leaves of it, says so, and gets through a long outage and a drain', async (t) => {
  const disk = mounted(t, '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs');
  if (!disk) return t.skip('mounting a tmpfs needs root');
  const path = join(disk, 'store');
  const said: string[] = [];
  const log: StoreLog = (level, text) => void (level !== 'info' && said.push(text));
  const options = testOptions(path, { sizeBytes: 8 * MIB, deps: { ...testDeps(), log } });
  let next = 0;
  let drained = 0;
  for (const name of ['filled', 'started again']) {
    const store = await openTest(options);
    store.declare({ name: 'blobs', class: 'telemetry', title: 'blobs', channels: BLOB });
    for (let written = 0; written < 3 * 8 * MIB; written = store.status().bytesWritten) {
      store.append(blobs(200));
      next += 200;
      await store.flush();
    }
    const { health, diskBytes } = store.status();
    assert.deepEqual(health, { state: 'ok' });
    t.diagnostic(`${name}: ${next} rows, ${(diskBytes / MIB).toFixed(1)} MiB on a disk of 8`);
    if (name === 'started again') drained = await drain(store);
    await store.close();
  }
  assert.match(said[0]!, /of the 8\.0 MiB that it may take it takes 6\.4 MiB/);
  assert.deepEqual(
    said.filter((text) => /disk (refuses|is full)/.test(text)),
    [],
  );
  assert.ok(drained > 0);
  const store = await openStore(options);
  const gaps = (await allGaps(store)).filter((gap) => gap.stream === 'blobs');
  assert.ok(
    gaps.length > 0 && gaps.every(({ cause }) => cause === 'quota'),
    JSON.stringify(gaps.slice(0, 3)),
  );
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});
