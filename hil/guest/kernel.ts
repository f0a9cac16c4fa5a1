import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder, run, say } from '../shell.js';
import { Debian } from './debian.js';
import { buildModules } from './modules.js';

/** A Debian kernel, unpacked and never installed, and what its modules were built to. */
export interface GuestKernel {
  readonly arch: Arch;
  readonly release: string;
  readonly image: string;
  /** Debian's own modules. */
  readonly modules: string;
  /** Those built here: irq_sim, gpio-sim, cairn_i2c. */
  readonly builtModules: string;
}

const SOURCES = ['drivers/gpio/gpio-sim.c', 'drivers/gpio/gpiolib.h', 'kernel/irq/irq_sim.c'];

/** Downloads and unpacks below `cache` what is not there yet, and builds the modules that Debian does not. */
export function prepareKernel(arch: Arch, cache: string, project: string): GuestKernel {
  const release = newestRelease(arch, cache);
  const folder = join(cache, release);
  const tree = join(folder, 'tree');
  if (!existsSync(tree)) fetchKernel(arch, cache, folder, release);
  const adapter = join(project, 'hil/i2c-adapter');
  return {
    arch,
    release,
    image: join(tree, 'boot', `vmlinuz-${release}`),
    modules: join(tree, 'lib/modules', release, 'kernel'),
    builtModules: buildModules(arch, folder, release, adapter),
  };
}

/** Such as `6.1.0-56-amd64`: what linux-image-amd64 depends on. */
function newestRelease(arch: Arch, cache: string): string {
  const { kernelPackage } = archs[arch];
  const found = new Debian(arch, cache).depends(kernelPackage).find((name) => /^linux-image-\d/.test(name));
  if (found === undefined) throw new Error(`apt knows no ${kernelPackage}: is this Debian?`);
  return found.replace('linux-image-', '');
}

/** The tools among them (linux-kbuild) run on this machine, so they are of its architecture. */
function fetchKernel(arch: Arch, cache: string, folder: string, release: string): void {
  const series = /^\d+\.\d+/.exec(release)![0];
  const image = `linux-image-${release}`;
  const debian = new Debian(arch, cache);
  const version = debian.versionOf(image);
  const names = [
    ...[image, `linux-headers-${release}`, `linux-headers-${release.replace(arch, 'common')}`],
    `linux-source-${series}=${version}`,
  ];
  say(`downloading Debian's kernel, 230 MB, not installed: ${names.join(' ')}`);
  const unpacked = freshFolder(join(folder, 'unpacked'));
  debian.unpack(names, unpacked);
  new Debian('amd64', cache).unpack([`linux-kbuild-${series}=${version}`], unpacked);
  unpackSources(folder, unpacked, series);
  renameSync(unpacked, join(folder, 'tree'));
}

function unpackSources(folder: string, unpacked: string, series: string): void {
  const source = join(folder, 'source');
  mkdirSync(source, { recursive: true });
  const archive = join(unpacked, 'usr/src', `linux-source-${series}.tar.xz`);
  const members = SOURCES.map((path) => `linux-source-${series}/${path}`);
  run('tar', ['-xJf', archive, '-C', source, '--strip-components=1', ...members]);
  rmSync(archive);
}
