import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import {
  openStore,
  type StorageDevice,
  type Store,
  type StoreDeps,
  type StoreOptions,
} from '../../runtime/store/index.js';
import { decodeHead, emptyClasses, encodeHead } from '../../runtime/store/records.js';
import { SimClock } from '../support/sim-clock.js';
import { memoryDisk, passTime, simulatedTime } from './memory-disk.js';
import { CHANNELS, rowsOf, testDeps, testOptions } from './support.js';

const FLASH = { sizeBytes: 4e9, cycles: 300, lifeMs: 5 * 365 * 86_400_000 };
/** 4 GB × 300 ÷ 4 over five years, a second. */
const BUDGET_PER_S = 1902.6;
/** What a synced batch costs on the disk of this test: more than the store believes. */
const TRUE_SYNC_BYTES = 30_000;
const TURN_MS = 200;

/** A disk in memory whose device counts what it is told to write: each batch, and what the system writes beside it. */
function countingDisk(clock: SimClock, systemBytesPerS: number) {
  const disk = memoryDisk();
  const began = clock.nowNs();
  let batches = 0;
  const device = async (): Promise<StorageDevice> => {
    const system = (Number(clock.nowNs() - began) / 1e9) * systemBytesPerS;
    return {
      name: 'mem0',
      isBlock: true,
      sizeBytes: 4e9,
      writtenBytes: Math.round(batches * TRUE_SYNC_BYTES + system),
    };
  };
  const openLevel: StoreDeps['openLevel'] = async (path, options) => {
    const db = await disk.openLevel(path, options);
    return {
      ...db,
      batch: async (operations: Parameters<typeof db.batch>[0]) => {
        batches += 1;
        await db.batch(operations);
      },
    };
  };
  return {
    deps: { ...disk, openLevel, files: { ...disk.files, device } },
    written: async () => (await device()).writtenBytes!,
    batches: () => batches,
  };
}

async function openSimulated(
  clock: SimClock,
  deps: object,
  change: Partial<StoreOptions> = {},
): Promise<Store> {
  const store = await openStore(
    testOptions('/s', {
      commitIntervalMs: 'auto',
      flash: FLASH,
      deps: testDeps({ ...deps, ...simulatedTime(clock) }),
      ...change,
    }),
  );
  store.declare({ name: 't', class: 'telemetry', title: 't', channels: CHANNELS });
  return store;
}

/** Five rows a second. */
async function sample(store: Store, clock: SimClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 5; i++) {
    store.append(rowsOf('t', [i]));
    await passTime(clock, TURN_MS, TURN_MS);
  }
}

test('FAULTS 13: what the device counts stays inside the declared budget, other programs’ writes included', async (t) => {
  for (const systemBytesPerS of [0, 600]) {
    const clock = new SimClock();
    const disk = countingDisk(clock, systemBytesPerS);
    const store = await openSimulated(clock, disk.deps);
    const [before, began] = [await disk.written(), clock.nowNs()];
    await sample(store, clock, 7200);
    const written = (await disk.written()) - before;
    const seconds = Number(clock.nowNs() - began) / 1e9;
    const share = written / (BUDGET_PER_S * seconds);
    const { flash, committedRows, pendingRows } = store.status();
    t.diagnostic(
      `system ${systemBytesPerS} B/s: ${(written / seconds).toFixed(0)} of ${BUDGET_PER_S} B/s (${(100 * share).toFixed(0)} %), a commit each ${(flash!.commitIntervalMs / 1000).toFixed(1)} s`,
    );
    assert.ok(share < 1.05, `${share}`);
    assert.ok(share > 0.7, `${share}: the budget is there to be used`);
    assert.equal(committedRows + pendingRows >= 36_000, true);
    assert.equal(flash!.isMeasured, true);
    assert.ok(Math.abs(flash!.bytesPerDaySinceStart / 86_400 / (written / seconds) - 1) < 0.05);
  }
});

test('another program that wears the card out takes no more than its own half', async () => {
  const clock = new SimClock();
  const store = await openSimulated(clock, countingDisk(clock, 1e6).deps);
  await sample(store, clock, 3600);
  const { flash, commits } = store.status();
  assert.ok(flash!.commitIntervalMs < 35_000, `${flash!.commitIntervalMs}`);
  assert.ok(commits > 3600 / 35);
  assert.ok(flash!.daysLeft! < 365, 'and it is said');
});

test('without a count of the device the model is held against half the budget', async () => {
  const clock = new SimClock();
  const store = await openSimulated(clock, memoryDisk());
  await sample(store, clock, 3600);
  const { flash } = store.status();
  assert.equal(flash!.isMeasured, false);
  assert.ok(Math.abs(flash!.budgetBytesPerDay / 86_400 / (BUDGET_PER_S / 2) - 1) < 0.001);
  assert.ok(flash!.bytesPerDaySinceStart < 1.05 * flash!.budgetBytesPerDay);
  assert.ok(flash!.bytesPerDaySinceStart > 0.7 * flash!.budgetBytesPerDay);
});

test('the window of a power cut follows the interval, and alarms and live rows stay out of it', async () => {
  const clock = new SimClock();
  const store = await openSimulated(clock, memoryDisk());
  store.declare({ name: 'v', class: 'telemetry', title: 'v', channels: CHANNELS, live: true });
  await sample(store, clock, 600);
  const { flash } = store.status();
  const window = (of: string) => flash!.windows.find((one) => one.of === of)!;
  assert.equal(window('alarm').ms, 0);
  assert.equal(window('event').ms, 800);
  assert.equal(window('live').ms, 800);
  assert.equal(window('telemetry').ms, Math.ceil(flash!.commitIntervalMs));
  assert.ok(flash!.commitIntervalMs > 10_000);
  assert.ok(Math.abs(window('telemetry').rows - (5 * flash!.commitIntervalMs) / 1000) < 10);
  assert.equal(window('live').rows, 0);
});

test('what was written in the life of the store, and what was saved up, survive a restart', async () => {
  const clock = new SimClock();
  const disk = memoryDisk();
  const first = await openSimulated(clock, disk);
  await sample(first, clock, 300);
  await first.close();
  const { writtenBytes, commitIntervalMs } = first.status().flash!;
  const second = await openSimulated(clock, disk);
  const again = second.status().flash!;
  assert.ok(writtenBytes > 100_000);
  assert.ok(Math.abs(again.writtenBytes - writtenBytes) < 30_000);
  assert.ok(again.daysLeft === undefined || again.daysLeft > 0);
  assert.ok(commitIntervalMs > 1000);
  await second.close();
});

test('a head of an older runtime is read, and an older runtime reads ours', () => {
  const head = {
    batch: 7,
    classes: emptyClasses(),
    next: [1, 2],
    wear: { writtenBytes: 5e12, ownLevelBytes: 9, deviceLevelBytes: 8 },
  };
  assert.deepEqual(decodeHead(encodeHead(head, native.crc32c), native.crc32c), head);
  const old = { ...head, wear: undefined };
  const bytes = encodeHead(old, native.crc32c);
  assert.deepEqual(decodeHead(bytes, native.crc32c), old);
  const ours = encodeHead(head, native.crc32c);
  assert.deepEqual(ours.subarray(0, bytes.length - 4), bytes.subarray(0, -4), 'only appended to');
});

test('the reserve follows the commit interval', async () => {
  const clock = new SimClock();
  const store = await openSimulated(clock, memoryDisk(), { reserveAheadMs: 1000 });
  await sample(store, clock, 600);
  const { flash, streams } = store.status();
  const { limit, next } = streams.find(({ stream }) => stream === 't')!;
  const aheadMs = ((limit - next) / 5) * 1000;
  assert.ok(aheadMs > flash!.commitIntervalMs / 2, `${aheadMs} ms ahead at ${flash!.commitIntervalMs}`);
  assert.ok(aheadMs < 2.5 * flash!.commitIntervalMs);
});
