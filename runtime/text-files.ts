import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { syncFolder, writeWhole } from './identity.js';

/** Small files that are whole or as they were, through a power cut too. Each throws what node:fs throws. */
export interface TextFiles {
  /** Undefined where there is none. */
  read(name: string): string | undefined;
  /** On the disk when it returns. */
  write(name: string, text: string): void;
  /** Gone from the disk when it returns. */
  remove(name: string): void;
  /** Under another name from then on, for people to look at. */
  setAside(name: string): void;
}

/** In a folder that the node alone writes, and its group may read: the console shows what is in it while the node is down. */
export function textFiles(folder: string): TextFiles & { make(): void } {
  const make = () => void mkdirSync(folder, { recursive: true, mode: 0o750 });
  return {
    make,
    read: (name) => readIfThere(join(folder, name)),
    write: (name, text) => {
      make();
      writeWhole(join(folder, name), text, 0o640);
    },
    remove: (name) => {
      rmSync(join(folder, name), { force: true });
      syncFolder(folder);
    },
    setAside: (name) => renameSync(join(folder, name), join(folder, `${name}.damaged`)),
  };
}

/** Drafts of a process that was killed as it wrote. */
export function removeDrafts(folder: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of names) if (/\.json\.\d+$/.test(name)) rmSync(join(folder, name), { force: true });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A record of that shape, or throws why it is none. */
export function parseRecord<T>(schema: v.GenericSchema<unknown, T>, json: string): T {
  const { success, output, issues } = v.safeParse(schema, JSON.parse(json));
  if (success) return output;
  throw new Error(issues.map((issue) => `${v.getDotPath(issue) ?? ''} ${issue.message}`.trim()).join('; '));
}
