import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The journal's folder. All reject with what the system says. */
export interface JournalDisk {
  /** Names of the segments, oldest first; none where there is no folder. */
  list(): Promise<readonly string[]>;
  read(name: string): Promise<Buffer>;
  /** 0 where there is no such file. */
  sizeBytes(name: string): Promise<number>;
  /** Puts the text there and cuts off what was behind; on the disk when it resolves. */
  write(name: string, offset: number, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

const SEGMENT = /^\d{10}\.jsonl$/;

/** By the number of its first entry, so that names sort as entries do. */
export function segmentName(first: number): string {
  return `${String(first).padStart(10, '0')}.jsonl`;
}

export function diskAt(folder: string): JournalDisk {
  const at = (name: string) => join(folder, name);
  return {
    list: async () => {
      const names = await orIfAbsent(readdir(folder), []);
      return names.filter((name) => SEGMENT.test(name)).sort();
    },
    read: (name) => readFile(at(name)),
    sizeBytes: async (name) =>
      orIfAbsent(
        stat(at(name)).then(({ size }) => size),
        0,
      ),
    write: async (name, offset, text) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = await open(at(name), offset === 0 ? 'w' : 'r+', 0o600);
      try {
        await file.truncate(offset);
        const { bytesWritten } = await file.write(text, offset);
        const bytes = Buffer.byteLength(text);
        if (bytesWritten < bytes)
          throw new Error(`${at(name)}: ${bytesWritten} of ${bytes} bytes were written`);
        await file.datasync();
      } finally {
        await file.close();
      }
      if (offset === 0) await syncFolder(folder);
    },
    remove: (name) => rm(at(name), { force: true }),
  };
}

async function orIfAbsent<T>(asked: Promise<T>, absent: T): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
