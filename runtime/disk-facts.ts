import { readFileSync } from 'node:fs';
import { realpath, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DiskFacts } from './health/index.js';

/** An ext4 that found an error says `emergency_ro` on newer kernels (seen with 6.18), beside the `rw` that it was mounted with. */
const READ_ONLY = ['ro', 'emergency_ro'];

/** Where the store lies: its file system, as far up as there is one yet. Undefined where the kernel can't say. */
export async function diskFacts(
  path: string,
  mounts = () => readFileSync('/proc/self/mountinfo', 'utf8'),
): Promise<DiskFacts | undefined> {
  const free = await freeBytes(path);
  if (free === undefined) return path === '/' ? undefined : diskFacts(dirname(path), mounts);
  const mount = mountOf(await realpath(path), mounts());
  return {
    path,
    device: mount?.device,
    freeBytes: free,
    isReadOnly: mount?.options.some((option) => READ_ONLY.includes(option)) ?? false,
  };
}

async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

interface Mount {
  readonly device: string;
  readonly folder: string;
  /** The file system's, not the mount's: a service manager's sandbox shows the console read-only what the node writes. */
  readonly options: readonly string[];
}

/**
 * The last of the longest: a later mount hides an earlier one. proc_pid_mountinfo(5): … folder, the mount's options, optional fields, a hyphen, type,
 * device, the file system's options. Spaces are written as \040.
 */
function mountOf(path: string, text: string): Mount | undefined {
  const mounts = text.split('\n').flatMap((line) => {
    const [mount = '', fileSystem = ''] = line.split(' - ');
    const folder = mount.split(' ')[4];
    const [, device, options] = fileSystem.split(' ');
    if (device === undefined || folder === undefined || options === undefined) return [];
    return [{ device, folder: unescaped(folder), options: options.split(',') }];
  });
  const holds = ({ folder }: Mount) =>
    path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
  return mounts
    .filter(holds)
    .reduce<Mount | undefined>(
      (best, mount) => (best && best.folder.length > mount.folder.length ? best : mount),
      undefined,
    );
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
