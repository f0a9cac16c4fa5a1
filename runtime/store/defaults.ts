import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { native } from '../../native/index.js';
import { levelSizes } from './database.js';
import { storageDevice } from './device.js';
import { isOnceKey } from './keys.js';
import { checkTables } from './leveldb/check.js';
import { liveTables } from './leveldb/manifest.js';
import { salvage } from './leveldb/salvage.js';
import type { LevelDb, LevelOptions, PlainFile, StoreDeps, StoreFiles, StoreLog } from './options.js';

// By require: importing CommonJS costs memory, see log.ts.
const level: typeof import('level') = createRequire(import.meta.url)('level');

/** Read from LevelDB at once by a scan, but for the last value: each time costs a turn of a thread. */
const SCAN_BYTES = 64 * 1024;
const SCAN_ENTRIES = 256;

/** A repair writes with the buffers of a store of this size. */
const REPAIR_SIZE_BYTES = 64 * 1024 * 1024;

/** The store's dependencies on the real disk, timers and randomness. */
export function storeDefaults(log: StoreLog): StoreDeps {
  return {
    log,
    native,
    nowNs: () => native.bootTimeNs(),
    setTimer: (run, afterMs) => setTimeout(run, afterMs),
    clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
    random64: () => randomBytes(8).readBigUInt64BE(),
    files: realFiles,
    openLevel: openRealLevel,
    checkTables: (path, check) => checkTables(path, check, { files: realFiles, crc32c: native.crc32c }),
    letPagesGo: letRealPagesGo,
    strayTables: strayRealTables,
    repairLevel: repairRealLevel,
  };
}

/** LevelDB maps the tables that it reads, up to 64 of them: an audit would leave all that resident. It is no reason to end the audit. */
function letRealPagesGo(path: string): void {
  try {
    native.pageOut(`${realpathSync.native(path)}/`, '.ldb');
  } catch (error) {
    // A database that is being replaced is nowhere: nothing of it is mapped.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** On Node.js `level` is classic-level, which has this; its types name only what browsers have too. */
interface Compacting {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>;
}

/** LevelDB as `level` ships it. Blocks are compressed already: Snappy would only cost time. */
export async function openRealLevel(path: string, options: LevelOptions): Promise<LevelDb> {
  const real = resolve(path);
  if (openPaths.has(real))
    throw Object.assign(new Error(`${path} is open in this process`), { code: 'LEVEL_LOCKED' });
  openPaths.add(real);
  try {
    const db = await openOnce(path, options);
    return { ...db, close: () => db.close().finally(() => openPaths.delete(real)) };
  } catch (error) {
    openPaths.delete(real);
    throw error;
  }
}

/** LevelDB's file lock is dropped by a failed second open in the same process: another process could then come in. */
const openPaths = new Set<string>();

async function openOnce(path: string, options: LevelOptions): Promise<LevelDb> {
  const db = new level.Level<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await db.open({
    createIfMissing: options.createIfMissing,
    writeBufferSize: options.writeBufferBytes,
    maxFileSize: options.tableBytes,
    cacheSize: 1024 * 1024,
    maxOpenFiles: 64,
    compression: false,
  });
  const entries = new DurableEntries(path);
  try {
    // Before anything is believed of it: after a failed sync what it was recovered from may be in the cache alone.
    await entries.sync();
  } catch (error) {
    await db.close();
    throw error;
  }
  return {
    get: (key) => db.get(key),
    batch: async (operations) => {
      // An array would be copied and looked through by the library, at five times the cost an operation.
      const batch = db.batch();
      for (const operation of operations) {
        if (operation.type === 'put') batch.put(operation.key, operation.value);
        else batch.del(operation.key);
      }
      await batch.write({ sync: true });
      await entries.sync();
    },
    scan: (from, to, backwards = false) =>
      entriesOf(db.iterator({ gte: from, lt: to, reverse: backwards, highWaterMarkBytes: SCAN_BYTES })),
    compact: (from, to) => (db as unknown as Compacting).compactRange(from, to),
    close: () => db.close(),
  };
}

interface EntryIterator {
  nextv(size: number): Promise<readonly (readonly [Uint8Array, Uint8Array])[]>;
  close(): Promise<void>;
}

async function* entriesOf(iterator: EntryIterator): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  try {
    for (;;) {
      const entries = await iterator.nextv(SCAN_ENTRIES);
      if (entries.length === 0) return;
      for (const entry of entries) yield entry;
    }
  } finally {
    await iterator.close();
  }
}

/**
 * LevelDB syncs the log that it writes to, and not the directory when it begins another (journalling file systems keep a new file's name
 * with its sync, POSIX promises it of no file system), nor when an opening has put CURRENT in its place.
 */
class DurableEntries {
  #names = '';

  constructor(readonly path: string) {}

  async sync(): Promise<void> {
    const names = (await fs.readdir(this.path)).join();
    if (names === this.#names) return;
    await syncPath(this.path);
    this.#names = names;
  }
}

/** What a compaction that failed has written: an opening removes it, but not before it has written itself. */
async function strayRealTables(path: string): Promise<readonly string[]> {
  const live = await liveTables(path, realFiles, native.crc32c);
  if (typeof live === 'string') return [];
  return (await realFiles.list(path)).filter((name) => {
    const number = /^(\d+)\.ldb$/.exec(name)?.[1];
    return number !== undefined && !live.has(Number(number));
  });
}

/** Made from the files' whole pieces: LevelDB's own repair can end the process, and takes what is damaged for whole. */
async function repairRealLevel(from: string, to: string): Promise<void> {
  const db = await openRealLevel(to, { createIfMissing: true, ...levelSizes(REPAIR_SIZE_BYTES) });
  try {
    await salvage(from, db, { files: realFiles, crc32c: native.crc32c, isOnce: isOnceKey });
  } finally {
    await db.close();
  }
}

export const realFiles: StoreFiles = {
  makeDirectory: async (path) => void (await fs.mkdir(path, { recursive: true })),
  list: (path) => absentAs([], fs.readdir(path)),
  read: (path) => absentAs(undefined, fs.readFile(path)),
  write: writeSynced,
  open: openInPlace,
  rename: (from, to) => fs.rename(from, to),
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  copy: copyFiles,
  sync: syncPath,
  sizeBytes: sizeOf,
  device: storageDevice,
  freeBytes: async (path) => {
    const { bavail, bsize } = await fs.statfs(path);
    return bavail * bsize;
  },
  capacityBytes,
};

/** Of the file system under a path, or under what is there of it: without what is kept for root. */
async function capacityBytes(path: string): Promise<number | undefined> {
  const found = await absentAs(undefined, fs.statfs(path));
  if (found) return (found.blocks - (found.bfree - found.bavail)) * found.bsize;
  const parent = dirname(resolve(path));
  return parent === resolve(path) ? undefined : capacityBytes(parent);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await fs.writeFile(path, bytes, { flush: true });
  await syncPath(dirname(path));
}

async function openInPlace(path: string): Promise<PlainFile> {
  const file = await fs.open(path, 'r+');
  return {
    write: async (bytes, position) => {
      const { bytesWritten } = await file.write(bytes, 0, bytes.length, position);
      if (bytesWritten !== bytes.length)
        throw new Error(`${path}: ${bytesWritten} of ${bytes.length} bytes written`);
    },
    datasync: () => file.datasync(),
    close: () => file.close(),
  };
}

async function copyFiles(from: string, to: string): Promise<void> {
  await fs.mkdir(to, { recursive: true });
  for (const entry of await fs.readdir(from, { withFileTypes: true })) {
    if (entry.isFile()) await fs.copyFile(join(from, entry.name), join(to, entry.name));
  }
}

async function syncPath(path: string): Promise<void> {
  const file = await fs.open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Allocated blocks, which is what fills a disk; a file that goes away meanwhile counts as nothing. */
async function sizeOf(path: string): Promise<number> {
  const stat = await absentAs(undefined, fs.stat(path));
  if (!stat?.isDirectory()) return stat ? stat.blocks * 512 : 0;
  let bytes = 0;
  for (const name of await absentAs([], fs.readdir(path))) bytes += await sizeOf(join(path, name));
  return bytes;
}

async function absentAs<T>(instead: T, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead;
    throw error;
  }
}
