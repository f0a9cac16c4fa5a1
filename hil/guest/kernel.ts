import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run, say } from '../shell.js';

/** A Debian kernel, unpacked and never installed, and what its modules were built to. */
export interface GuestKernel {
  readonly release: string;
  readonly image: string;
  /** Debian's own modules. */
  readonly modules: string;
  /** Those built here: irq_sim, gpio-sim, cairn_i2c. */
  readonly builtModules: string;
  readonly busybox: string;
}

const SOURCES = ['drivers/gpio/gpio-sim.c', 'drivers/gpio/gpiolib.h', 'kernel/irq/irq_sim.c'];

/** Downloads and unpacks below `cache` what is not there yet, and builds the modules that Debian does not. */
export function prepareKernel(cache: string, project: string): GuestKernel {
  const release = newestRelease();
  const folder = join(cache, release);
  const tree = join(folder, 'tree');
  if (!existsSync(tree)) fetchPackages(folder, release);
  const builtModules = buildModules(folder, release, join(project, 'hil/i2c-adapter'));
  return {
    release,
    image: join(tree, 'boot', `vmlinuz-${release}`),
    modules: join(tree, 'lib/modules', release, 'kernel'),
    builtModules,
    busybox: join(tree, 'bin/busybox'),
  };
}

/** Such as `6.1.0-56-amd64`: what linux-image-amd64 depends on. */
function newestRelease(): string {
  const found = /linux-image-(\d\S*-amd64)/.exec(run('apt-cache', ['depends', 'linux-image-amd64']));
  if (!found) throw new Error('apt knows no linux-image-amd64: is this Debian, and was apt-get update run?');
  return found[1]!;
}

function versionOf(name: string): string {
  const found = /Candidate: (\S+)/.exec(run('apt-cache', ['policy', name]));
  if (!found) throw new Error(`apt has no candidate for ${name}`);
  return found[1]!;
}

function fetchPackages(folder: string, release: string): void {
  const series = /^\d+\.\d+/.exec(release)![0];
  const image = `linux-image-${release}`;
  const version = versionOf(image);
  const names = [
    ...[image, `linux-headers-${release}`, `linux-headers-${release.replace('amd64', 'common')}`],
    ...[`linux-kbuild-${series}`, `linux-source-${series}`].map((name) => `${name}=${version}`),
    'busybox-static',
  ];
  say(`downloading Debian packages, 225 MB, not installed: ${names.join(' ')}`);
  const debs = join(folder, 'debs');
  const unpacked = join(folder, 'unpacked');
  rmSync(unpacked, { recursive: true, force: true });
  mkdirSync(debs, { recursive: true });
  mkdirSync(unpacked, { recursive: true });
  run('apt-get', ['download', ...names], debs);
  for (const deb of readdirSync(debs)) run('dpkg', ['-x', join(debs, deb), unpacked]);
  unpackSources(folder, unpacked, series);
  rmSync(debs, { recursive: true });
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

function buildModules(folder: string, release: string, adapter: string): string {
  const build = join(folder, 'modules');
  const stamp = join(build, 'stamp');
  const files = readdirSync(adapter).filter((name) => /\.[ch]$/.test(name));
  const hash = createHash('sha256').update(build);
  for (const name of files.sort()) hash.update(readFileSync(join(adapter, name)));
  const wanted = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return build;
  say('building gpio-sim, irq_sim and cairn_i2c against its headers');
  rmSync(build, { recursive: true, force: true });
  mkdirSync(build);
  const source = join(folder, 'source');
  for (const name of files) copyFileSync(join(adapter, name), join(build, name));
  for (const name of ['gpio-sim.c', 'gpiolib.h'])
    copyFileSync(join(source, 'drivers/gpio', name), join(build, name));
  // irq_to_desc is not exported to modules; generic_handle_irq does the same for the simple handler of irq_sim.
  const irqSim = readFileSync(join(source, 'kernel/irq/irq_sim.c'), 'utf8');
  writeFileSync(
    join(build, 'irq_sim.c'),
    `${irqSim.replace(/handle_simple_irq\(irq_to_desc\((.*)\)\);/, 'generic_handle_irq($1);')}\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n`,
  );
  writeFileSync(
    join(build, 'Kbuild'),
    'obj-m := irq_sim.o gpio-sim.o cairn_i2c.o\ncairn_i2c-y := adapter.o wires.o\nccflags-y := -DCONFIG_IRQ_SIM=1\n',
  );
  const headers = join(folder, 'tree/usr/src', `linux-headers-${release}`);
  const common = headers.replace(/amd64$/, 'common');
  writeFileSync(join(headers, 'Makefile'), `include ${common}/Makefile\n`); // the packaged one names /usr/src
  run('make', ['-C', headers, `M=${build}`, 'modules']);
  writeFileSync(stamp, wanted);
  return build;
}
