import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../machine/arch.js';
import { freshFolder, say } from '../shell.js';
import { Debian } from './debian.js';

/** What the guest runs beside Node: busybox, and the libraries that Node is linked to. */
const PACKAGES = ['busybox-static', 'libc6', 'libstdc++6', 'libgcc-s1'];

/** A tree of Debian packages unpacked, never installed; `programs` are packages too. */
export function prepareUserland(arch: Arch, cache: string, programs: readonly string[]): string {
  const names = [...PACKAGES, ...programs];
  const hash = createHash('sha256').update(names.join(' ')).digest('hex').slice(0, 12);
  const folder = join(cache, `userland-${arch}-${hash}`);
  if (existsSync(folder)) return folder;
  say(`downloading Debian packages for the guest: ${names.join(' ')}, and what they depend on`);
  const made = freshFolder(`${folder}.new`);
  new Debian(arch, cache).unpackClosure(names, made);
  renameSync(made, folder);
  return folder;
}
