import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeConfig } from '../config/index.js';
import { syncFolder } from '../identity.js';
import type { Places } from './places.js';
import type { Wipe, WipeRequest } from './records.js';
import type { State } from './state-files.js';

/** A wipe that can't be begun, or not be finished: nothing may run on what is left. */
export class WipeError extends Error {
  override readonly name = 'WipeError';
}

/** What a wipe does to the disk; each is synced when it returns, and throws what node:fs throws. */
export interface WipeDisk {
  /** All that is in a folder goes but what is to be kept; nothing where there is none. */
  empty(folder: string, keep: readonly string[]): void;
  remove(file: string): void;
}

export const wipeDisk: WipeDisk = {
  empty: (folder, keep) => {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder))
      if (!keep.includes(name)) rmSync(join(folder, name), { recursive: true, force: true });
    syncFolder(folder);
  },
  remove: (file) => {
    if (!existsSync(file)) return;
    rmSync(file);
    syncFolder(dirname(file));
  },
};

/** Of the state folder: the record of the wipe itself, and where this process answers. */
const KEPT_STATE = ['wipe.json', 'run.sock'];
const IDENTITY_FILES = ['node.key', 'node.pub', 'fleet.pub', 'owner.pub'];
/** Of the folder of a store: by these it is one. */
const STORE_FILES = ['reserve', 'level'];

/** Puts it on the disk that all this is to go; from then on it goes, whatever ends this process. Throws WipeError, and nothing is to go. */
export function beginWipe(
  state: State,
  { id, by, what }: WipeRequest,
  config: Pick<NodeConfig, 'store' | 'identityPath'>,
  places: Places,
): void {
  const store = config.store.path;
  if (existsSync(store) && readdirSync(store).length > 0 && !isStore(store))
    throw new WipeError(`${store} is no store (it has neither of: ${STORE_FILES.join(', ')})`);
  const isAll = what === 'all';
  state.put('wipe', {
    ...{ id, by, what, isDone: false },
    folders: isAll ? [store, consoleFolder(places), places.state] : [store],
    files: isAll ? IDENTITY_FILES.map((name) => join(config.identityPath, name)) : [],
  });
}

/** Does what was begun, as often as it takes; returns it, undefined where nothing was. Throws WipeError where the disk refuses: then it is to be done again. */
export function finishWipe(
  state: State,
  places: Places,
  warn: (text: string) => void,
  disk: WipeDisk = wipeDisk,
): Wipe | undefined {
  const wipe = state.get('wipe');
  if (!wipe || wipe.isDone) return undefined;
  try {
    for (const file of wipe.files) disk.remove(file);
    for (const folder of wipe.folders) {
      if (folder === consoleFolder(places)) emptyConsole(folder, disk, warn);
      else disk.empty(folder, folder === places.state ? KEPT_STATE : []);
    }
    state.put('wipe', {
      ...wipe,
      isDone: true,
      ...(wipe.what === 'all' ? { by: '', files: [], folders: [] } : {}),
    });
  } catch (error) {
    throw new WipeError(`a wipe was begun and can't be finished: ${(error as Error).message}`);
  }
  return wipe;
}

/** Who is let in, and what they did: what the node's user may not remove there, the console's own user removes (`cairn wipe`). */
export function consoleFolder({ inbox }: Places): string {
  return dirname(inbox);
}

function emptyConsole(folder: string, disk: WipeDisk, warn: (text: string) => void): void {
  try {
    disk.empty(folder, []);
  } catch (error) {
    warn(`${folder} is the console's own, and stays: ${(error as Error).message}`);
  }
}

function isStore(folder: string): boolean {
  return STORE_FILES.some((name) => existsSync(join(folder, name)));
}
