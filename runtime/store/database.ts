import { join } from 'node:path/posix';
import { reasonOf, StoreError } from './error.js';
import type { LevelDb, StoreDeps, StoreOptions } from './options.js';
import { codeOf } from './scan.js';

/** The database's directory within the store's. */
const LEVEL = 'level';
/** There from the moment on when something may have been acknowledged. */
const MARKER = 'acknowledged';
const QUARANTINE = /^quarantine-(\d+)$/;
const REPAIR = 'repair';

export interface OpenedDatabase {
  readonly db: LevelDb;
  /** It was made, or made anew. */
  readonly isNew: boolean;
}

/**
 * Opens the store's LevelDB. A damaged one is put aside whole (one is kept) and what repair makes of a copy takes its place, or else an
 * empty one: nothing is deleted but an older quarantine. Rejects with StoreError `locked`, or `io` when the disk refuses: try later.
 */
export async function openDatabase(options: StoreOptions): Promise<OpenedDatabase> {
  try {
    return await openOrReplace(options);
  } catch (error) {
    throw openError(options.path, error);
  }
}

async function openOrReplace(options: StoreOptions): Promise<OpenedDatabase> {
  const { path, deps } = options;
  const names = await deps.files.list(join(path, LEVEL));
  const isEmpty = names.filter((name) => name !== 'LOCK' && !name.startsWith('LOG')).length === 0;
  const damage = isEmpty ? undefined : await damageOf(options, names);
  if (damage !== undefined) return replaceDatabase(options, damage);
  try {
    return { db: await openLevel(options, isEmpty), isNew: isEmpty };
  } catch (error) {
    if (codeOf(error) === 'LEVEL_CORRUPTION') return replaceDatabase(options, reasonOf(error));
    throw error;
  }
}

/** Opens a store's LevelDB that is there and whole; changes nothing else. StoreError `invalid` where there is none. */
export async function openForReading(path: string, deps: StoreDeps): Promise<LevelDb> {
  const names = await deps.files.list(join(path, LEVEL));
  if (!names.includes('CURRENT')) {
    throw new StoreError('invalid', path, 'there is no store here', {
      hint: 'give the directory of a store',
    });
  }
  try {
    return await deps.openLevel(join(path, LEVEL), { createIfMissing: false, ...levelSizes(0) });
  } catch (error) {
    throw openError(path, error);
  }
}

/** After the first synced batch: LevelDB doesn't sync what it creates, and until the marker is there nothing is acknowledged. */
export async function makeDurable({ path, deps }: StoreOptions): Promise<void> {
  const { files } = deps;
  const marker = join(path, MARKER);
  if (await files.read(marker)) return;
  for (const name of await files.list(join(path, LEVEL))) {
    // Closing any descriptor of it would drop the lock that LevelDB holds on it (fcntl(2)): a second node could open the store.
    if (name !== 'LOCK') await files.sync(join(path, LEVEL, name));
  }
  await files.sync(join(path, LEVEL));
  await files.sync(path);
  await files.write(marker, new TextEncoder().encode('Readings in this store were acknowledged.\n'));
  await files.sync(path);
}

/** With CURRENT missing LevelDB would make an empty database over the old one, and delete the old one's tables. */
async function damageOf({ path, deps }: StoreOptions, names: readonly string[]): Promise<string | undefined> {
  const current = await deps.files.read(join(path, LEVEL, 'CURRENT'));
  if (!current) return 'CURRENT is missing';
  const manifest = new TextDecoder().decode(current).trim();
  if (!/^MANIFEST-\d+$/.test(manifest)) return 'CURRENT is damaged';
  if (!names.includes(manifest)) return `${manifest} is missing`;
  const bytes = await deps.files.read(join(path, LEVEL, manifest));
  return bytes?.length === 0 ? `${manifest} is empty` : undefined;
}

/** Puts a damaged database that nobody has open aside, and opens what repair makes of it, or an empty one. */
export async function replaceDatabase(options: StoreOptions, damage: string): Promise<OpenedDatabase> {
  const { path, deps } = options;
  const aside = await quarantine(options);
  const hadAcknowledged = (await deps.files.read(join(path, MARKER))) !== undefined;
  deps.log('error', `${path}: the database is damaged (${damage}); put aside as ${aside}`);
  const repaired = hadAcknowledged && (await repair(options, join(path, aside)));
  await deps.files.sync(path);
  return { db: await openLevel(options, !repaired), isNew: !repaired };
}

/** Moves the database aside, and drops an older one that was: the store's size is bounded. */
async function quarantine({ path, deps }: StoreOptions): Promise<string> {
  const { files } = deps;
  const older = (await files.list(path))
    .map((name) => QUARANTINE.exec(name))
    .filter((found) => found !== null);
  const number = older.reduce((highest, [, n]) => Math.max(highest, Number(n)), 0) + 1;
  const aside = `quarantine-${number}`;
  await files.rename(join(path, LEVEL), join(path, aside));
  for (const [name] of older) await files.remove(join(path, name));
  return aside;
}

/** What was put aside goes when the store needs the room; false when there is nothing. */
export async function dropQuarantine({ path, deps }: StoreOptions): Promise<boolean> {
  const found = (await deps.files.list(path)).filter((name) => QUARANTINE.test(name));
  for (const name of found) {
    deps.log('warn', `${path}: ${name} is removed: the store needs its room`);
    await deps.files.remove(join(path, name));
  }
  return found.length > 0;
}

/** What LevelDB's repair makes of a copy, in the database's place; false when it could not. */
async function repair({ path, sizeBytes, deps }: StoreOptions, aside: string): Promise<boolean> {
  const copy = join(path, REPAIR);
  const { files } = deps;
  // Two of them have to fit the declared size; otherwise repair works on the only one.
  const fits = 2 * (await files.sizeBytes(aside)) <= sizeBytes;
  try {
    await files.remove(copy);
    await (fits ? files.copy(aside, copy) : files.rename(aside, copy));
    await deps.repairLevel(copy);
    await files.rename(copy, join(path, LEVEL));
    deps.log('warn', `${path}: the database was repaired; the audit will say what is missing`);
    return true;
  } catch (error) {
    deps.log('error', `${path}: no repair, an empty database takes its place: ${reasonOf(error)}`);
    await (fits ? files.remove(copy) : files.rename(copy, aside));
    return false;
  }
}

function openLevel({ path, sizeBytes, deps }: StoreOptions, createIfMissing: boolean): Promise<LevelDb> {
  return deps.openLevel(join(path, LEVEL), { createIfMissing, ...levelSizes(sizeBytes) });
}

/**
 * LevelDB keeps up to two write buffers in memory and as two logs on the disk, and rewrites tables whole when it compacts: both are small
 * shares of the size. 1 MiB is the smallest table that LevelDB makes.
 */
export function levelSizes(sizeBytes: number): { writeBufferBytes: number; tableBytes: number } {
  const clamp = (bytes: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, Math.floor(bytes)));
  return {
    writeBufferBytes: clamp(sizeBytes / 32, 64 * 1024, 4 * 1024 * 1024),
    tableBytes: clamp(sizeBytes / 64, 1024 * 1024, 2 * 1024 * 1024),
  };
}

function openError(path: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new StoreError('locked', path, 'the store is open elsewhere', {
      cause,
      hint: 'a node runs on it; LevelDB lets one process in at a time',
    });
  }
  return new StoreError('io', path, 'the store cannot be opened', {
    cause,
    hint: 'is the disk full or read-only?',
  });
}
