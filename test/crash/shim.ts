import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCE = join(root, 'test/crash/shim.c');

/** Why no process's disk can be watched here; false where it can. */
export const cannotWatch: string | false =
  process.platform !== 'linux'
    ? 'the shim is for Linux with glibc'
    : spawnSync('cc', ['--version']).status !== 0
      ? 'no C compiler'
      : false;

/** What shim.c does besides keeping its log. */
export interface ShimFaults {
  readonly kill?: { readonly at: 'before' | 'after'; readonly call: number };
  /** The `call`-th sync or write and those behind it, `count` in all, fail with `errno`. */
  readonly fail?: {
    readonly what: 'sync' | 'write';
    readonly call: number;
    readonly count: number;
    readonly errno: number;
  };
  readonly syncMs?: number;
}

/** Environment of a process whose changes below `folder` (absolute, without links) are appended to `log`. */
export function watched(folder: string, log: string, faults: ShimFaults = {}): Record<string, string> {
  const { kill, fail, syncMs } = faults;
  return {
    LD_PRELOAD: shimLibrary(),
    CRASH_FOLDER: folder,
    CRASH_LOG: log,
    ...(kill && { CRASH_KILL: `${kill.at}:${kill.call}` }),
    ...(fail && { CRASH_FAIL: `${fail.what}:${fail.call}:${fail.count}:${fail.errno}` }),
    ...(syncMs && { CRASH_SYNC_MS: String(syncMs) }),
  };
}

/** Compiles shim.c where that has not been done for its text. */
function shimLibrary(): string {
  const text = readFileSync(SOURCE);
  const folder = join(root, '.cache', 'crash');
  const library = join(folder, `shim-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.so`);
  if (existsSync(library)) return library;
  mkdirSync(folder, { recursive: true });
  const fresh = `${library}.${process.pid}`;
  const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
  const { status, stderr } = spawnSync('cc', [...flags, '-o', fresh, SOURCE, '-ldl', '-lpthread'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`shim.c does not compile:\n${stderr}`);
  renameSync(fresh, library);
  return library;
}
