import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type LevelDb,
  openStore,
  type PlainFile,
  type StoreDeps,
  verifyStore,
} from '../../runtime/store/index.js';
import type { Gap } from '../../wire/index.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions, until } from './support.js';

/** Dependencies whose disk can be told to fail. */
class FaultyDisk {
  /** Runs instead of a batch; may still write it. */
  onBatch: ((write: () => Promise<void>) => Promise<void>) | undefined;
  onReserve: (() => void) | undefined;
  /** Runs before the database is opened. */
  onOpen: ((path: string) => void) | undefined;
  opens = 0;
  batches = 0;

  get deps(): StoreDeps {
    const real = testDeps();
    return {
      ...real,
      openLevel: async (path, options) => {
        this.opens += 1;
        this.onOpen?.(path);
        return this.#level(await real.openLevel(path, options));
      },
      files: { ...real.files, open: async (path) => this.#file(await real.files.open(path)) },
    };
  }

  #level(db: LevelDb): LevelDb {
    return {
      ...db,
      batch: async (operations) => {
        this.batches += 1;
        const write = (): Promise<void> => db.batch(operations);
        await (this.onBatch ? this.onBatch(write) : write());
      },
    };
  }

  #file(file: PlainFile): PlainFile {
    return {
      ...file,
      datasync: async () => {
        this.onReserve?.();
        await file.datasync();
      },
    };
  }
}

const IO_ERROR = Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' });

async function ids(store: Awaited<ReturnType<typeof openTest>>): Promise<number[]> {
  return (await heldRows(store)).map((row) => row.count).toSorted((a, b) => a - b);
}

test('a failed write is not acknowledged, the database is opened anew, and nothing is lost or doubled', async (t) => {
  const disk = new FaultyDisk();
  const path = temporary(t);
  const store = await openTest(testOptions(path, { deps: disk.deps }));
  await store.flush();
  let acknowledged = 0;
  store.onCommit(({ rows }) => {
    acknowledged += rows;
  });
  let failures = 3;
  disk.onBatch = async (write) => {
    failures -= 1;
    if (failures >= 0) throw IO_ERROR;
    await write();
  };
  const opens = disk.opens;
  store.append(rowsOf('t', [0, 1, 2]));
  await until(() => store.status().health.state === 'notWriting');
  assert.equal(acknowledged, 0);
  assert.deepEqual(
    await store.read('telemetry', undefined, 10, 1e6),
    [],
    'nothing that is not synced is read',
  );
  store.append(rowsOf('t', [3]));
  await store.flush();
  assert.equal(disk.opens, opens + 3, 'opened anew before each attempt');
  assert.equal(acknowledged, 4);
  assert.deepEqual(store.status().health, { state: 'ok' });
  assert.deepEqual(await ids(store), [0, 1, 2, 3]);
  assert.deepEqual(await allGaps(store), []);
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});

test('a batch that reached the disk though its sync failed is acknowledged once and not written again', async (t) => {
  const disk = new FaultyDisk();
  const path = temporary(t);
  const store = await openTest(testOptions(path, { deps: disk.deps }));
  await store.flush();
  let acknowledged = 0;
  store.onCommit(({ rows }) => {
    acknowledged += rows;
  });
  disk.onBatch = async (write) => {
    disk.onBatch = undefined;
    await write();
    throw IO_ERROR;
  };
  const before = disk.batches;
  store.append(rowsOf('t', [0, 1]));
  await store.flush();
  assert.equal(disk.batches, before + 1, 'the batch was in: it is not written again');
  store.append(rowsOf('t', [2]));
  await store.flush();
  assert.equal(acknowledged, 3);
  assert.deepEqual(
    (await heldRows(store)).map((row) => [row.sequence, row.count]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
    ],
  );
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});

test('acknowledged batches that the disk lost meanwhile become gaps; numbers go on, what is written next stays', async (t) => {
  const disk = new FaultyDisk();
  const path = temporary(t);
  const store = await openTest(testOptions(path, { deps: disk.deps }));
  store.append(rowsOf('t', [0, 1, 2]));
  await store.flush();
  disk.onOpen = (level) => {
    for (const name of readdirSync(level)) if (name.endsWith('.log')) rmSync(join(level, name));
  };
  disk.onBatch = async () => {
    disk.onBatch = undefined;
    throw IO_ERROR;
  };
  store.append(rowsOf('t', [3]));
  await store.flush();
  disk.onOpen = undefined;
  await until(() => store.openGaps().some((gap) => gap.stream === 't'));
  await store.flush();
  assert.deepEqual(
    (await heldRows(store)).map((row) => [row.sequence, row.count]),
    [[3, 3]],
  );
  const [gap] = store.openGaps().filter((one) => one.stream === 't');
  assert.deepEqual(gap, { epoch: store.epoch, stream: 't', first: 0, last: 2, cause: 'rot', atMost: true });
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
  const again = await openTest(testOptions(path));
  assert.equal(again.epoch, store.epoch);
  assert.equal(again.boot, store.boot);
});

test('while the disk refuses memory is bounded, the lowest class goes first, and gaps say what went', async (t) => {
  const disk = new FaultyDisk();
  const memoryBytes = 20_000;
  const path = temporary(t);
  const store = await openTest(testOptions(path, { deps: disk.deps, memoryBytes }));
  await store.flush();
  disk.onBatch = async () => {
    throw IO_ERROR;
  };
  const failed = disk.batches;
  store.append(rowsOf('a', [1_000_000]));
  for (let id = 0; id < 20_000; id += 1) store.append(rowsOf(id % 2 === 0 ? 't' : 'l', [id]));
  await until(() => store.status().health.state === 'notWriting');
  const health = store.status().health;
  assert.ok(health.state === 'notWriting' && health.reason.includes('No space left'));
  await until(() => disk.batches >= failed + 3);
  // A row of two channels takes 26 bytes before it is sealed.
  assert.ok(health.waitingRows <= memoryBytes / 2, `${health.waitingRows} rows wait`);
  disk.onBatch = undefined;
  await store.flush();
  const held = await heldRows(store);
  const gaps = await allGaps(store);
  assert.ok(
    held.some((row) => row.stream === 'a' && row.count === 1_000_000),
    'the alarm is kept',
  );
  assert.ok(gaps.length > 0 && gaps.every((gap) => gap.cause === 'overflow' && !gap.atMost));
  for (const [name, produced] of [
    ['t', 10_000],
    ['l', 10_000],
    ['a', 1],
  ] as const) {
    const mine = held.filter((row) => row.stream === name);
    const lost = gaps
      .filter((gap) => gap.stream === name)
      .reduce((sum, gap) => sum + gap.last! - gap.first + 1, 0);
    assert.equal(mine.length + lost, produced, `${name}: stored and lost make up what was produced`);
  }
  const kept = (name: string): number => held.filter((row) => row.stream === name).length;
  assert.ok(kept('t') > kept('l'), 'log rows go before telemetry');
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, [], 'the gaps are on the disk');
  // The ledger comes back in the order of its keys, not in which the gaps arose.
  const order = (a: Gap, b: Gap) => a.stream.localeCompare(b.stream) || a.first - b.first;
  const again = await openTest(testOptions(path));
  assert.deepEqual([...again.openGaps()].sort(order), [...gaps].sort(order));
});

test('rows without reserved numbers wait in bounded memory, and what was dropped of them becomes the first gap', async (t) => {
  const disk = new FaultyDisk();
  const store = await openTest(testOptions(temporary(t), { deps: disk.deps, memoryBytes: 4000 }));
  await store.flush();
  disk.onReserve = () => {
    throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
  };
  for (let id = 0; id < 2000; id += 1) store.append(rowsOf('t', [id]));
  await until(() => store.status().health.state === 'notWriting');
  const { limit } = store.status().streams.find((stream) => stream.stream === 't')!;
  assert.ok(limit < 2000);
  disk.onReserve = undefined;
  await store.flush();
  const held = await heldRows(store);
  const gaps = await allGaps(store);
  assert.equal(held.length + gaps.reduce((sum, gap) => sum + gap.last! - gap.first + 1, 0), 2000);
  assert.deepEqual(
    held.map((row) => row.sequence),
    held.map((row) => row.count),
    'numbers follow production',
  );
  assert.equal(held.at(-1)!.count, 1999, 'the newest are kept');
  await store.close();
});

test('a store that cannot be written at open says so and leaves nothing open', async (t) => {
  const disk = new FaultyDisk();
  const path = temporary(t);
  disk.onBatch = async () => {
    throw IO_ERROR;
  };
  await assert.rejects(openStore(testOptions(path, { deps: disk.deps })), { name: 'StoreError', kind: 'io' });
  const store = await openTest(testOptions(path));
  await store.close();
});

test('a row that no block can hold becomes a gap and costs no other row', async (t) => {
  const store = await openTest(testOptions(temporary(t)));
  const rows = rowsOf('t', [0, 1, 2, 3, 4]);
  rows.values[2 * 3 + 1] = 0.5; // `count` is a whole number
  store.append(rows);
  store.append({ ...rowsOf('t', [5, 6]), quality: new Uint8Array(1) });
  store.append(rowsOf('t', [7]));
  await store.flush();
  assert.deepEqual(
    (await heldRows(store)).map((row) => [row.sequence, row.count]),
    [
      [0, 0],
      [1, 1],
      [2, 2],
      [4, 4],
      [7, 7],
    ],
  );
  const ranges = (await allGaps(store)).map(({ first, last, cause }) => ({ first, last, cause }));
  assert.deepEqual(ranges, [
    { first: 3, last: 3, cause: 'rejected' },
    { first: 5, last: 6, cause: 'rejected' },
  ]);
  await store.close();
});

test('a second opening in one process is refused and leaves the first at work', async (t) => {
  const path = temporary(t);
  const store = await openTest(testOptions(path));
  await assert.rejects(openStore(testOptions(path)), { name: 'StoreError', kind: 'locked' });
  await assert.rejects(verifyStore(path, testDeps()), { name: 'StoreError', kind: 'locked' });
  store.append(rowsOf('t', [0]));
  await store.flush();
  await store.close();
  await (await openTest(testOptions(path))).close();
});

test('a backlog larger than a batch is cut between two batches: the head counts only what is on the disk', async (t) => {
  const path = temporary(t);
  const copy = join(temporary(t), 'copy');
  const store = await openTest(testOptions(path, { memoryBytes: 32 * 1024 * 1024 }));
  await store.flush();
  let cut = 0;
  store.onCommit(({ rows }) => {
    if (cut > 0 || rows < 10_000) return; // the first rows go before the reserve reaches to the others
    cut = rows;
    cpSync(path, copy, { recursive: true });
  });
  const rows = rowsOf(
    't',
    Array.from({ length: 200_000 }, () => Math.floor(Math.random() * 2 ** 50)),
  );
  store.append(rows);
  await store.flush();
  while (store.status().pendingRows > 0) await store.flush();
  const batches = store.status().commits;
  assert.ok(cut > 0 && cut < 200_000, `${cut} rows in the first of ${batches} batches`);
  assert.equal((await heldRows(store)).length, 200_000);
  const again = await openTest(testOptions(copy));
  const held = await heldRows(again);
  const gaps = again.openGaps().filter((gap) => gap.stream === 't');
  assert.deepEqual(
    gaps.map(({ first, cause }) => [first, cause]),
    [[held.length, 'uncleanStop']],
  );
  await again.close();
  assert.deepEqual((await verifyStore(copy, testDeps())).problems, []);
});

test('receipts whose batch failed are written with the next one', async (t) => {
  const disk = new FaultyDisk();
  const path = temporary(t);
  const store = await openTest(testOptions(path, { deps: disk.deps }));
  store.append(rowsOf('t', [0, 1, 2]));
  await store.flush();
  const [block] = await store.read('telemetry', undefined, 1, 1e6);
  disk.onBatch = async () => {
    disk.onBatch = undefined;
    throw IO_ERROR;
  };
  store.dispose([{ position: block!.position, kind: 'receipt' }]);
  await store.flush();
  await store.close();
  const verdict = await verifyStore(path, testDeps());
  const { settled, stored } = verdict.streams.find((stream) => stream.stream === 't')!;
  assert.deepEqual({ settled, stored }, { settled: [[0, 3]], stored: [] });
});
