import { join } from 'node:path/posix';
import { ballastBytes } from './ballast.js';
import { reasonOf, StoreError } from './error.js';
import type { LevelDb, StoreDeps, StoreOptions } from './options.js';
import { codeOf } from './scan.js';

/** The database's directory within the store's. */
export const LEVEL = 'level';
/** There from the moment on when something may have been acknowledged. */
const MARKER = 'acknowledged';
const QUARANTINE = /^quarantine-(\d+)$/;
/** Of the database that is made in place of a damaged one. */
const REPAIR = 'repair';
/** As many bytes as repairs were begun since all was last found whole. */
const REPAIRS = 'repairs';
const MAX_REPAIRS = 3;
/** There while nobody has looked at all tables. */
const UNCHECKED = 'unchecked';
const CHECK_BEFORE_NS = 1_000_000_000n;

export interface OpenedDatabase {
  readonly db: LevelDb;
  /** Another one was damaged; this holds what was whole of it, or nothing. */
  readonly isReplaced: boolean;
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
  await finishReplacement(options);
  const names = await deps.files.list(join(path, LEVEL));
  const isEmpty = !holdsDatabase(names);
  const damage = isEmpty ? undefined : ((await damageOf(options, names)) ?? (await checkBefore(options)));
  if (damage !== undefined) return replaceDatabase(options, damage);
  try {
    return { db: await openInRoom(options, isEmpty), isReplaced: false };
  } catch (error) {
    if (codeOf(error) === 'LEVEL_CORRUPTION') return replaceDatabase(options, reasonOf(error));
    throw error;
  }
}

/**
 * LevelDB writes its log down as a table before it removes what failed compactions left: where it has no room for that, room is made, and
 * it is opened once more. Only then, since a refusal for want of room says that nobody else has it open.
 */
async function openInRoom(options: StoreOptions, createIfMissing: boolean): Promise<LevelDb> {
  try {
    return await openLevel(options, createIfMissing);
  } catch (error) {
    if (codeOf(error) !== 'LEVEL_IO_ERROR' || !(await makeRoom(options))) throw error;
    return await openLevel(options, createIfMissing);
  }
}

/** Gives up tables that are nobody's, then the ballast. False where there is room anyway, or nothing to give. */
async function makeRoom({ path, sizeBytes, deps }: StoreOptions): Promise<boolean> {
  const { files } = deps;
  const isShort = async (): Promise<boolean> =>
    files.freeBytes !== undefined && (await files.freeBytes(path)) < ballastBytes(sizeBytes);
  if (!(await isShort())) return false;
  const strays = await straysOf(path, deps);
  for (const stray of strays) await files.remove(stray);
  if (strays.length > 0)
    deps.log('warn', `${path}: the disk is full: ${strays.length} tables of failed compactions are removed`);
  const ballast = join(path, 'ballast');
  const gives = (await isShort()) && (await files.sizeBytes(ballast)) > 0;
  if (gives) await files.remove(ballast);
  return gives || strays.length > 0;
}

/** What an opening would free, bytes. */
export async function strayBytes({ path, deps }: StoreOptions): Promise<number> {
  let bytes = 0;
  for (const stray of await straysOf(path, deps)) bytes += await deps.files.sizeBytes(stray);
  return bytes;
}

async function straysOf(path: string, deps: StoreDeps): Promise<readonly string[]> {
  const level = join(path, LEVEL);
  return ((await deps.strayTables?.(level)) ?? []).map((name) => join(level, name));
}

/**
 * Tables are looked at before LevelDB falls over them: all that can be in a second. What is left the running node checks; should it not
 * come to that because the process ended, the next start checks all.
 */
async function checkBefore({ path, deps }: StoreOptions): Promise<string | undefined> {
  const marker = join(path, UNCHECKED);
  const wasCutShort = (await deps.files.read(marker)) !== undefined;
  const end = deps.nowNs() + CHECK_BEFORE_NS;
  const goOn = (): boolean => wasCutShort || deps.nowNs() < end;
  const check = await deps.checkTables?.(join(path, LEVEL), { goOn });
  if (check?.isComplete === false && !wasCutShort) {
    await deps.files.write(marker, new TextEncoder().encode('Not all tables were checked yet.\n'));
  }
  return check?.damage;
}

/** The running node has checked all: the next start needn't. */
export async function setChecked({ path, deps }: StoreOptions): Promise<void> {
  for (const name of [UNCHECKED, REPAIRS]) {
    if (await deps.files.read(join(path, name))) await deps.files.remove(join(path, name));
  }
}

/**
 * Opens a store's LevelDB that is there and whole; changes nothing else. All tables are looked at first: LevelDB may end the process over
 * a damaged one, or write it down anew as whole. StoreError `invalid` where there is none, `damaged` where the node has to repair it.
 */
export async function openForReading(path: string, deps: StoreDeps): Promise<LevelDb> {
  const level = join(path, LEVEL);
  try {
    const names = await deps.files.list(level);
    if (!holdsDatabase(names)) {
      throw new StoreError('invalid', path, 'there is no store here', {
        hint: 'give the directory of a store',
      });
    }
    const damage =
      (await damageOf({ path, deps }, names)) ??
      (await deps.checkTables?.(level, { goOn: () => true }))?.damage;
    if (damage !== undefined) throw damaged(path, damage);
    return await deps.openLevel(level, { createIfMissing: false, ...levelSizes(0) });
  } catch (error) {
    throw codeOf(error) === 'LEVEL_CORRUPTION' ? damaged(path, reasonOf(error)) : openError(path, error);
  }
}

function damaged(path: string, damage: string): StoreError {
  return new StoreError('damaged', path, `the database is damaged: ${damage}`, {
    hint: 'start the node: it keeps what is whole, and gaps name the rest',
  });
}

function holdsDatabase(names: readonly string[]): boolean {
  return names.some((name) => name !== 'LOCK' && !name.startsWith('LOG'));
}

/** After the first synced batch: LevelDB doesn't sync what it creates, and until the marker is there nothing is acknowledged. */
export async function makeDurable({ path, deps }: StoreOptions): Promise<void> {
  const { files } = deps;
  const marker = join(path, MARKER);
  if (await files.read(marker)) return;
  for (const name of await files.list(join(path, LEVEL))) {
    // Closing any descriptor of it would drop the lock that LevelDB holds on it (fcntl(2)): a second node could open the store.
    if (name !== 'LOCK') await syncThere(files, join(path, LEVEL, name));
  }
  await files.sync(join(path, LEVEL));
  await files.sync(path);
  await files.write(marker, new TextEncoder().encode('Readings in this store were acknowledged.\n'));
  await files.sync(path);
}

/** A compaction may have removed it meanwhile. */
async function syncThere(files: StoreDeps['files'], path: string): Promise<void> {
  try {
    await files.sync(path);
  } catch (error) {
    if (await files.read(path)) throw error;
  }
}

/** With CURRENT missing LevelDB would make an empty database over the old one, and delete the old one's tables. */
async function damageOf(
  { path, deps }: Pick<StoreOptions, 'path' | 'deps'>,
  names: readonly string[],
): Promise<string | undefined> {
  const current = await deps.files.read(join(path, LEVEL, 'CURRENT'));
  if (!current) return 'CURRENT is missing';
  const manifest = /^(MANIFEST-\d+)\n$/.exec(new TextDecoder().decode(current))?.[1];
  if (manifest === undefined) return 'CURRENT is damaged';
  if (!names.includes(manifest)) return `${manifest} is missing`;
  const bytes = await deps.files.read(join(path, LEVEL, manifest));
  return bytes?.length === 0 ? `${manifest} is empty` : undefined;
}

/** As `replaceFiles`, and opens what is in its place then. */
export async function replaceDatabase(options: StoreOptions, damage: string): Promise<OpenedDatabase> {
  await replaceFiles(options, damage);
  const names = await options.deps.files.list(join(options.path, LEVEL));
  return { db: await openLevel(options, !holdsDatabase(names)), isReplaced: true };
}

/**
 * Puts a damaged database that nobody has open aside, and what repair makes of it in its place, or nothing. The new one is whole before
 * the old one moves: a cut, or a disk that refuses, at any place costs the work only. To be called again until it resolves.
 */
export async function replaceFiles(options: StoreOptions, damage: string): Promise<void> {
  const { path, deps } = options;
  // A call before this one may have come so far that the damaged one is out of the way, and then what was repaired is all that there is.
  if (await finishReplacement(options)) return;
  const hadAcknowledged = (await deps.files.read(join(path, MARKER))) !== undefined;
  const level = hadAcknowledged ? 'error' : 'warn'; // a creation that was cut has nothing to lose
  if (!refused.has(deps)) deps.log(level, `${path}: the database is damaged: ${damage}`);
  const repaired = await repair(options);
  const aside = await quarantine(options);
  await finishReplacement(options);
  const what = repaired
    ? 'what is whole of it goes on, the audit says what is missing'
    : 'an empty one takes its place';
  deps.log('warn', `${path}: it is put aside as ${aside}; ${what}`);
}

/** With the old database out of the way, the repaired one is complete and takes its place; beside it, it is a rest of a repair. True: it is out of the way. */
async function finishReplacement({ path, deps }: StoreOptions): Promise<boolean> {
  const { files } = deps;
  const names = await files.list(path);
  const isOutOfTheWay = !names.includes(LEVEL);
  if (!names.includes(REPAIR)) return isOutOfTheWay;
  if (isOutOfTheWay) {
    await files.rename(join(path, REPAIR), join(path, LEVEL));
    refused.delete(deps);
  } else await files.remove(join(path, REPAIR));
  await files.sync(path);
  return isOutOfTheWay;
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

/**
 * Makes the database anew beside the damaged one; false once that was done so often without the check of all coming to its end that the
 * disk is to blame. Rejects when the disk refuses: then it isn't the database's fault, and nothing was changed.
 */
async function repair({ path, deps }: StoreOptions): Promise<boolean> {
  const { files } = deps;
  const [to, tries] = [join(path, REPAIR), join(path, REPAIRS)];
  const before = refused.get(deps) ?? (await files.read(tries))?.length ?? 0;
  if (before >= MAX_REPAIRS) return false;
  await files.write(tries, new Uint8Array(before + 1).fill(0x2b));
  refused.set(deps, before);
  await deps.repairLevel(join(path, LEVEL), to);
  for (const name of await files.list(to)) await files.sync(join(to, name));
  await files.sync(to);
  return true;
}

/**
 * Repairs before the one that this process has begun and not come to the end of: it lives, so it was the disk that refused, and that is no
 * try. The file can't be relied on to say so: the disk may refuse that, too.
 */
const refused = new WeakMap<StoreDeps, number>();

function openLevel({ path, sizeBytes, deps }: StoreOptions, createIfMissing: boolean): Promise<LevelDb> {
  return deps.openLevel(join(path, LEVEL), { createIfMissing, ...levelSizes(sizeBytes) });
}

/**
 * LevelDB keeps up to two write buffers in memory and as two logs on the disk, and rewrites tables whole when it compacts: both are small
 * shares of the size. 1 MiB is the smallest table that LevelDB makes: it maps up to 64 of those that it read last, and they count as resident.
 */
export function levelSizes(sizeBytes: number): { writeBufferBytes: number; tableBytes: number } {
  const clamp = (bytes: number, low: number, high: number): number =>
    Math.min(high, Math.max(low, Math.floor(bytes)));
  return {
    writeBufferBytes: clamp(sizeBytes / 32, 64 * 1024, 4 * 1024 * 1024),
    tableBytes: clamp(sizeBytes / 8192, 1024 * 1024, 2 * 1024 * 1024),
  };
}

/** As the caller of an opening hears it. */
export function openError(path: string, cause: unknown): StoreError {
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
