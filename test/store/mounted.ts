import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporary } from './support.js';

/** Runs a command; whether it ended well. */
export function run(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Mounts what `args` say on a directory of the test's; undefined where that isn't allowed. */
export function mounted(t: Parameters<typeof temporary>[0], ...args: string[]): string | undefined {
  const point: string = join(
    temporary(t, () => void run('umount', '-l', point)),
    'disk',
  );
  mkdirSync(point);
  return run('mount', ...args, point) ? point : undefined;
}

/** Fills the disk to the last page. */
export function fill(path: string): void {
  for (let bytes = 1024 * 1024, part = 0; bytes >= 4096; part += 1) {
    try {
      writeFileSync(path, new Uint8Array(bytes), { flag: 'a' });
    } catch {
      bytes /= 2;
    }
    if (part > 100) return;
  }
}
