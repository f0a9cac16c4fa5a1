import { join } from 'node:path/posix';
import { Ballast } from './ballast.js';
import { Connection } from './connection.js';
import { makeDurable, type OpenedDatabase, openDatabase, replaceDatabase } from './database.js';
import { draw } from './draft.js';
import { reasonOf, StoreError } from './error.js';
import { type Loaded, load, recount } from './load.js';
import type { LevelDb, StoreOptions } from './options.js';
import { endNameless, rebuild } from './rebuild.js';
import { recover, type Start } from './recover.js';
import { newestSlot, type Reserve, ReserveFile } from './reserve.js';
import { codeOf } from './scan.js';
import { StoreState } from './state.js';

/** A store on the disk, ready to give numbers. */
export interface Opened {
  readonly state: StoreState;
  readonly connection: Connection;
  readonly reserve: ReserveFile;
  readonly start: Start;
}

/** Opens, recovers, and writes what recovery decided. Rejects with a StoreError; then nothing stays open. */
export async function open(options: StoreOptions): Promise<Opened> {
  const { path, deps } = options;
  const reserveBytes = await prepare(options);
  const reserve = newestSlot(reserveBytes, deps.native.crc32c);
  const { db, isReplaced, loaded } = await openAndLoad(options);
  try {
    refuseForeign(options, loaded);
    const { state, start } = await begin(options, db, { ...loaded, isReplaced }, reserve);
    await writeFirst(options, state, db);
    const file = new ReserveFile(
      join(path, 'reserve'),
      deps.files,
      deps.native.crc32c,
      reserve?.generation ?? 0,
    );
    const ballast = new Ballast(options);
    await ballast.hold();
    return { state, connection: new Connection(options, ballast, db), reserve: file, start };
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** A database that opens but can't be read where the store keeps its own records is as damaged as one that doesn't open. */
async function openAndLoad(options: StoreOptions): Promise<OpenedDatabase & { readonly loaded: Loaded }> {
  const opened = await openDatabase(options);
  try {
    return { ...opened, loaded: await load(opened.db, options.path, options.deps.native) };
  } catch (error) {
    await opened.db.close();
    if (codeOf(error) !== 'LEVEL_CORRUPTION') throw error;
    const replaced = await replaceDatabase(options, reasonOf(error));
    return { ...replaced, loaded: await load(replaced.db, options.path, options.deps.native) };
  }
}

async function prepare({ path, deps }: StoreOptions): Promise<Uint8Array> {
  try {
    await deps.files.makeDirectory(path);
    return await ReserveFile.prepare(join(path, 'reserve'), deps.files);
  } catch (cause) {
    throw new StoreError('io', path, 'the reserve cannot be made', {
      cause,
      hint: 'is the disk full or read-only?',
    });
  }
}

function refuseForeign({ path, node }: StoreOptions, { identity }: Loaded): void {
  if (!identity || identity.node === node) return;
  throw new StoreError('foreignNode', path, `the store belongs to node ${identity.node}, this is ${node}`, {
    hint: 'give this node a store path of its own; nothing was changed',
  });
}

/** What was found, what follows from it, and the state that both make. */
async function begin(
  options: StoreOptions,
  db: LevelDb,
  found: Loaded & { readonly isReplaced: boolean },
  reserve: Reserve | undefined,
): Promise<{ state: StoreState; start: Start }> {
  const { path, node, machineId, bootId, deps } = options;
  const loaded = await rebuild(options, db, found, reserve);
  const newEpoch = deps.random64().toString(16).padStart(16, '0');
  const start = recover({ ...loaded, reserve }, { node, machineId, bootId, newEpoch });
  for (const warning of start.warnings) deps.log('warn', `${path}: ${warning}`);
  if (loaded.damaged > 0)
    deps.log('error', `${path}: ${loaded.damaged} of the store's own records are damaged`);
  const counted = found.isReplaced || !loaded.head ? await recount(db, deps.native) : loaded.head;
  const batch = Math.max(counted.batch, loaded.head?.batch ?? 0);
  const state = new StoreState(options, start, batch, counted.classes);
  state.wear = loaded.head?.wear;
  for (const record of loaded.records) state.loadRecord(record);
  for (const [stream, bounds] of loaded.settled) state.settleLoaded(stream, bounds);
  for (const gap of loaded.gaps) state.gapLoaded(gap);
  for (const [epoch, anchor] of loaded.anchors) state.anchors.load(epoch, anchor);
  for (const [number, letter] of loaded.dead) state.dead.load(number, letter);
  enter(state, start);
  if (found.isReplaced || loaded.damaged > 0) endNameless(state);
  return { state, start };
}

/** Writes down what recovery decided. */
function enter(state: StoreState, start: Start): void {
  for (const { record } of start.streams) if (!state.isWritten(record)) state.write(record);
  for (const { epoch, id, ...gap } of start.gaps) {
    const stream = state.byId({ epoch, id });
    if (stream) state.gap(stream, gap);
  }
  if (start.isNewEpoch || start.isNewBoot) state.writeIdentity();
  state.sayUnsaid(state.options.software);
}

/** One synced batch, before any number is given: afterwards the disk is known to take writes. */
async function writeFirst(options: StoreOptions, state: StoreState, db: LevelDb): Promise<void> {
  const draft = draw(state, { operations: [], classes: state.classes, bytes: 0 });
  try {
    if (draft) await db.batch(draft.operations);
    await makeDurable(options);
  } catch (cause) {
    throw new StoreError('io', options.path, 'the first write failed', {
      cause,
      hint: 'is the disk full or read-only?',
    });
  }
  if (draft) state.landed(draft);
}
