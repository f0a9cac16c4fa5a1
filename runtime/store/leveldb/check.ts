import { join } from 'node:path/posix';
import type { Crc32c } from '../bytes.js';
import { reasonOf } from '../error.js';
import type { LevelCheck, StoreFiles } from '../options.js';
import { holdsBatches } from './log-file.js';
import { liveTables } from './manifest.js';
import { tableBlocks } from './table-file.js';

type Deps = { readonly files: StoreFiles; readonly crc32c: Crc32c };

/**
 * Reads every table of the database and checks each block's CRC: LevelDB doesn't, and where a block is damaged it may end the process (its
 * assertions), hand out what was never written, or write it down anew as whole. Works beside an open database too.
 */
export async function checkTables(
  path: string,
  { goOn, pause }: LevelCheck,
  deps: Deps,
): Promise<{ readonly damage?: string; readonly isComplete: boolean }> {
  for (const name of await deps.files.list(path)) {
    const log = name.endsWith('.log') ? await deps.files.read(join(path, name)) : undefined;
    if (log && !holdsBatches(log, deps.crc32c))
      return { damage: `${name} holds what is no batch`, isComplete: true };
    await pause?.(log?.length ?? 0);
  }
  const checked = new Set<number>();
  // A compaction may replace tables meanwhile: until a look finds none that is new.
  for (;;) {
    const live = await liveTables(path, deps.files, deps.crc32c);
    if (typeof live === 'string') return { damage: live, isComplete: true };
    const left = [...live].filter(([number]) => !checked.has(number)).toSorted(([a], [b]) => b - a);
    if (left.length === 0) return { isComplete: true };
    for (const [number, bytes] of left) {
      if (!goOn()) return { isComplete: false };
      checked.add(number);
      const damage = await damageOf(path, number, bytes, deps);
      if (damage !== undefined && (await isLive(path, number, deps))) return { damage, isComplete: true };
      await pause?.(bytes);
    }
  }
}

async function damageOf(
  path: string,
  number: number,
  bytes: number,
  { files, crc32c }: Deps,
): Promise<string | undefined> {
  const name = `${String(number).padStart(6, '0')}.ldb`;
  let file: Uint8Array | undefined;
  try {
    file = await files.read(join(path, name));
  } catch (error) {
    return `${name}: ${reasonOf(error)}`;
  }
  if (!file) return `${name} is missing`;
  if (file.length !== bytes) return `${name} has ${file.length} bytes, not ${bytes}`;
  let damage: string | undefined;
  for (const _ of tableBlocks(file, crc32c, (what) => {
    damage ??= `${name}: ${what}`;
  }));
  return damage;
}

async function isLive(path: string, number: number, { files, crc32c }: Deps): Promise<boolean> {
  const live = await liveTables(path, files, crc32c);
  return typeof live === 'string' || live.has(number);
}
