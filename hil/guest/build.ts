import { join } from 'node:path';
import { lock } from '../lock.js';
import type { Arch } from '../machine/arch.js';
import { makeInitrd } from './initrd.js';
import { prepareKernel } from './kernel.js';
import { prepareNode } from './node.js';
import { makeRoot } from './root.js';
import { prepareUserland } from './userland.js';

export interface GuestFiles {
  readonly arch: Arch;
  readonly release: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
}

export interface BuildOptions {
  readonly arch: Arch;
  /** Kept between runs, shared by all: built by one at a time. */
  readonly cache: string;
  readonly work: string;
  readonly project: string;
  readonly compiled: string;
  readonly rigFile: string;
  readonly programs: readonly string[];
}

/** Makes what the guest boots: downloads and compiles what the cache has not, and packs kernel, initrd and root. */
export async function buildGuest(options: BuildOptions): Promise<GuestFiles> {
  const { arch, cache, work, project, programs } = options;
  const unlock = await lock(join(cache, 'lock'), { wait: true });
  try {
    const kernel = prepareKernel(arch, cache, project);
    const userland = prepareUserland(arch, cache, programs);
    const node = prepareNode(arch, cache, project);
    const initrd = makeInitrd(kernel, userland, project, work);
    const root = makeRoot({ ...options, userland, node }, work);
    return { arch, release: kernel.release, kernel: kernel.image, initrd, root };
  } finally {
    unlock();
  }
}
