import { open, opendir, statfs } from 'node:fs/promises';
import type { SystemFiles } from '../../drivers/contract/index.js';
import { toHalError } from './errno.js';
import { checkReadBytes, checkSystemPath, DEFAULT_READ_BYTES, MAX_NAMES } from './system-paths.js';

/** Bounded reads of the running kernel's files. */
export function linuxSystemFiles(): SystemFiles {
  return {
    read: (path, maxBytes = DEFAULT_READ_BYTES) => named(path, () => readBounded(path, maxBytes)),
    list: (path) => named(path, () => listBounded(path)),
    space: (path) => named(path, () => spaceOf(path)),
  };
}

async function named<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw toHalError(error, path, { ENOENT: ['absent', 'there is no such file'] });
  }
}

/** A file of proc says its size is 0 and comes in pieces: it is read to its end or to the bound. */
async function readBounded(path: string, maxBytes: number): Promise<string> {
  const buffer = Buffer.alloc(checkReadBytes(path, maxBytes));
  const file = await open(checkSystemPath(path), 'r');
  try {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.toString('utf8', 0, filled);
  } finally {
    await file.close();
  }
}

async function listBounded(path: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const entry of await opendir(checkSystemPath(path))) {
    names.push(entry.name);
    if (names.length >= MAX_NAMES) break; // leaving the loop closes the directory
  }
  return names.sort();
}

async function spaceOf(path: string): Promise<{ totalBytes: number; freeBytes: number }> {
  const stats = await statfs(path);
  return { totalBytes: stats.blocks * stats.bsize, freeBytes: stats.bavail * stats.bsize };
}
