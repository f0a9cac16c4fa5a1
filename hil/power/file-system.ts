import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DiskImage } from './disk-image.js';

const TOOL_TIMEOUT_MS = 60_000;
/** e2fsck(8): 1 is "errors corrected"; from 4 on something is left. */
const FSCK_LEFT_ERRORS = 4;

export interface Extracted {
  /** What was at the path, or where it would be. */
  readonly path: string;
  /** The journal alone did not make the file system whole. */
  readonly repaired: boolean;
}

/**
 * Mends an ext4 as a boot would (its journal, then a check) and takes one of its folders out, without mounting it. Error where it can't
 * be mended.
 */
export function extract(image: DiskImage, inner: string, folder: string): Extracted {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const disk = join(folder, 'disk');
  image.save(disk);
  tool('e2fsck', ['-E', 'journal_only', '-y', disk]);
  const check = tool('e2fsck', ['-fy', disk]);
  tool('debugfs', ['-R', `rdump /${inner} ${folder}`, disk]);
  rmSync(disk);
  return { path: join(folder, basename(inner)), repaired: repairs(check.said) };
}

/** Free counts of the superblock are only written at unmounting: that they are counted anew is no repair. */
function repairs(said: string): boolean {
  const answers = said.match(/\? yes$/gm)?.length ?? 0;
  return answers > (said.match(/^Free (blocks|inodes) count wrong \(/gm)?.length ?? 0);
}

function tool(program: string, args: readonly string[]): { status: number; said: string } {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env,
    encoding: 'utf8',
    timeout: TOOL_TIMEOUT_MS,
  });
  const said = `${stdout ?? ''}${stderr ?? ''}${error ?? ''}`.trim();
  if (status === null || status >= FSCK_LEFT_ERRORS)
    throw new Error(`${program} ${args.join(' ')}: ${status} ${said.slice(-500)}`);
  return { status, said };
}
