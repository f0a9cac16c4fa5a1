import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { lock } from '../lock.js';
import type { Arch } from '../machine/arch.js';
import { makeInitrd } from './initrd.js';
import { prepareKernel } from './kernel.js';
import { prepareNode } from './node.js';
import { packBase } from './project.js';
import { makeProjectDisk, makeRoot } from './root.js';
import { prepareUserland } from './userland.js';

const KEPT = 6;

export interface GuestFiles {
  readonly arch: Arch;
  readonly release: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
  readonly projectDisk: string;
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
    const base = packBase(arch, node, cache, project);
    const root = makeRoot({ arch, userland, programs, base }, cache);
    const projectDisk = makeProjectDisk(options, work);
    prune(cache);
    return { arch, release: kernel.release, kernel: kernel.image, initrd, root, projectDisk };
  } finally {
    unlock();
  }
}

/** Of what is made anew for each state of its sources, the newest stay; a guest that has one open keeps it. */
function prune(cache: string): void {
  for (const kind of [/^base-/, /^root-.*\.ext4$/]) {
    const all = readdirSync(cache)
      .filter((name) => kind.test(name))
      .map((name) => join(cache, name))
      .sort((a, b) => statSync(b).ctimeMs - statSync(a).ctimeMs);
    for (const old of all.slice(KEPT)) rmSync(old, { recursive: true });
  }
}
