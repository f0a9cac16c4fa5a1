import { basename, dirname, join } from 'node:path';
import { storePathIn } from '../config/index.js';
import type { Bundle } from './bundle.js';

/** Where what outlives a process is kept: known from the node file alone, so that the console finds it as the node does. */
export interface Places {
  /** The node alone writes here, its group reads. */
  readonly state: string;
  /** The console writes here, the node takes. */
  readonly inbox: string;
  /** Where the process that runs the node answers, whatever store its configuration names. */
  readonly socket: string;
}

/** Beside the store of the node file: `/var/lib/cairn/config` for `/var/lib/cairn/store`, `…/x.config` for a store `…/x`. */
export function placesOf({ main, files }: Bundle): Places {
  const store = storePathIn(main, { readFile: (path) => files[path] ?? '' });
  const beside = (name: string) =>
    basename(store) === 'store' ? join(dirname(store), name) : `${store}.${name}`;
  const state = beside('config');
  return { state, inbox: join(beside('console'), 'inbox'), socket: join(state, 'run.sock') };
}
