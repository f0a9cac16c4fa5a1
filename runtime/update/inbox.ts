import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../identity.js';
import { BUNDLE_MAX_BYTES } from './bundle.js';
import { type AnyRequest, parseRequest } from './records.js';

const REQUEST = 'request.json';
const TAKEN = 'taken.json';
/** The largest bundle, and what stands around it. */
const REQUEST_MAX_BYTES = BUNDLE_MAX_BYTES + 8192;

/**
 * Where the console leaves what it asks of the node: one file, written whole, so that it also reaches a node that is down, or that crashes
 * before it listens. A later request takes the place of one that the node has not taken yet.
 */
export function leaveRequest(folder: string, request: AnyRequest): void {
  mkdirSync(folder, { recursive: true, mode: 0o770 });
  // Its folder keeps others out; the node's user is another one than the console's.
  writeWhole(join(folder, REQUEST), JSON.stringify(request), 0o644);
}

/** Whether a request waits to be taken. */
export function hasRequest(folder: string): boolean {
  return existsSync(join(folder, REQUEST));
}

/** Makes the folder where there is none: for whoever may ask the node. */
export function makeInbox(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o770);
}

/**
 * Hands what waits to `take`, and lets go of it when that returns: a process that ends meanwhile takes it again at its next start, so `take`
 * must know what it did before. Throws where the folder or the request can't be read; a request that can't is gone by then.
 */
export function takeRequest(folder: string, take: (request: AnyRequest) => void): void {
  const taken = join(folder, TAKEN);
  if (!existsSync(taken)) {
    if (!hasRequest(folder)) return;
    renameSync(join(folder, REQUEST), taken);
  }
  try {
    take(parseRequest(readBounded(taken)));
  } finally {
    rmSync(taken, { force: true });
  }
}

/** Whoever writes there may put anything there: a link, a pipe, a file without an end. */
function readBounded(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new Error(`${path}: not a file`);
    if (stat.size > REQUEST_MAX_BYTES)
      throw new Error(`${path}: ${stat.size} bytes; a request has ${REQUEST_MAX_BYTES} at most`);
    const bytes = Buffer.alloc(stat.size);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}
