import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Store, type StoreDeps, verifyStore } from '../../runtime/store/index.js';
import { fill, mounted } from './mounted.js';
import { allGaps, heldRows, openTest, rowsOf, temporary, testDeps, testOptions, until } from './support.js';

/** Far more than what was reserved at the opening: at least 16 rows, at most four times that in a burst. */
const ROWS = 5000;

/** Rows 1 to ROWS, which don't compress: they don't fit what is left of a page of LevelDB's log. */
function noise() {
  const rows = rowsOf(
    't',
    Array.from({ length: ROWS }, (_, n) => n + 1),
  );
  for (let i = 0; i < ROWS; i += 1) rows.values[2 * i] = Math.floor(Math.random() * 2 ** 40) / 100;
  return rows;
}

const reservedTo = (store: Store): number =>
  store.status().streams.find(({ stream }) => stream === 't')!.limit;

/** Rows get numbers that are durably reserved while nothing else can be written; once there is room they are all committed. */
async function growsWhileFull(store: Store, makeRoom: () => void): Promise<number> {
  const before = reservedTo(store);
  store.append(noise());
  await until(() => store.status().health.state === 'notWriting' && reservedTo(store) > ROWS);
  const { health, streams } = store.status();
  const { next, committed } = streams.find(({ stream }) => stream === 't')!;
  assert.equal(next, ROWS + 1, 'all have their numbers');
  assert.ok(
    committed <= before,
    `${committed} are acknowledged: what was reserved before may fit the log's last page`,
  );
  assert.ok(
    health.state === 'notWriting' && health.waitingRows >= ROWS + 1 - committed,
    'the rest waits for the disk',
  );
  const reached = reservedTo(store) - before;
  makeRoom();
  await store.flush();
  const held = await heldRows(store, ['telemetry']);
  assert.deepEqual(
    held.map(({ sequence, count }) => [sequence, count]),
    Array.from({ length: ROWS + 1 }, (_, n) => [n, n]),
  );
  assert.deepEqual(await allGaps(store), []);
  return reached;
}

/** A disk on which no file may grow: what lies on it can be written over, where its blocks were taken before. */
function crowded(): { readonly deps: StoreDeps; isFull: boolean } {
  const real = testDeps();
  const full = (): never => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  const disk: { readonly deps: StoreDeps; isFull: boolean } = {
    isFull: false,
    deps: {
      ...real,
      files: {
        ...real.files,
        freeBytes: async () => (disk.isFull ? 0 : 2 ** 40),
        write: async (path: string, bytes: Uint8Array) =>
          disk.isFull ? full() : real.files.write(path, bytes),
        open: async (path: string) => {
          const file = await real.files.open(path);
          const write = async (bytes: Uint8Array, position: number): Promise<void> => {
            if (disk.isFull && position + bytes.length > (await real.files.sizeBytes(path))) full();
            await file.write(bytes, position);
          };
          return { ...file, write };
        },
      },
      openLevel: async (...args: Parameters<StoreDeps['openLevel']>) => {
        const db = await real.openLevel(...args);
        const batch: typeof db.batch = async (operations) => (disk.isFull ? full() : db.batch(operations));
        return { ...db, batch };
      },
    },
  };
  return disk;
}

test('FAULTS 5: on a disk where no file may grow numbers are still reserved: rows get them and wait', async (t) => {
  const path = temporary(t);
  const disk = crowded();
  const store = await openTest(testOptions(path, { deps: disk.deps }));
  store.append(rowsOf('t', [0]));
  await store.flush();
  disk.isFull = true;
  const reached = await growsWhileFull(store, () => {
    disk.isFull = false;
  });
  t.diagnostic(`the reserve reached ${reached} rows further while full`);
  await store.close();
  assert.deepEqual((await verifyStore(path, testDeps())).problems, []);
});

test('FAULTS 5: on a tmpfs that is full to the last page numbers are still reserved', async (t) => {
  const point = mounted(t, '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs');
  if (!point) return t.skip('mounting a tmpfs needs root');
  const others = join(point, 'others');
  // The few rows that have numbers already would fit the log's last page: they wait for those that get theirs from the reserve.
  const commitIntervalMs = 300;
  const store = await openTest(
    testOptions(join(point, 'store'), { sizeBytes: 1024 * 1024, commitIntervalMs }),
  );
  store.append(rowsOf('t', [0]));
  await store.flush();
  fill(others);
  const reached = await growsWhileFull(store, () => rmSync(others));
  t.diagnostic(`the reserve reached ${reached} rows further while full`);
  await store.close();
});
