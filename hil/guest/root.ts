import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { archs } from '../machine/arch.js';
import { run } from '../shell.js';
import { fresh } from './debian.js';
import { type Packed, packProject } from './project.js';

const APPLETS = [
  ...['sh', 'mount', 'mkdir', 'ip', 'stty', 'cat', 'ls', 'sync', 'poweroff', 'sleep', 'kill', 'ps', 'dmesg'],
  ...['setsid', 'cttyhack'],
];
const SIZE_MIB = 448;

export interface RootParts extends Packed {
  readonly userland: string;
  readonly programs: readonly string[];
}

/** A root of busybox, Node, the rig's programs and the compiled project, as an ext4 image that the guest mounts read-only. */
export function makeRoot(parts: RootParts, work: string): string {
  const folder = fresh(join(work, 'root'));
  for (const name of ['bin', 'sbin', 'dev', 'proc', 'sys', 'tmp']) mkdirSync(join(folder, name));
  copyFileSync(join(parts.userland, 'bin/busybox'), join(folder, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet));
  copyFileSync(join(parts.project, 'hil/guest/start'), join(folder, 'sbin/start'));
  chmodSync(join(folder, 'sbin/start'), 0o755);
  copyFileSync(parts.node.program, join(folder, 'bin/node'));
  chmodSync(join(folder, 'bin/node'), 0o755);
  for (const program of parts.programs)
    copyFileSync(programIn(parts.userland, program), join(folder, 'bin', program));
  addLibraries(folder, parts);
  packProject(parts, join(folder, 'cairn'));
  const image = join(work, 'root.ext4');
  rmSync(image, { force: true });
  const make = `mkfs.ext4 -q -F -O ^has_journal -d '${folder}' '${image}' ${SIZE_MIB}M`;
  run('sh', ['-c', `PATH=$PATH:/usr/sbin ${make}`]);
  return image;
}

function programIn(userland: string, program: string): string {
  const found = ['usr/bin', 'bin', 'usr/sbin', 'sbin']
    .map((folder) => join(userland, folder, program))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`the Debian package ${program} has no program of that name`);
  return found;
}

/** The shared libraries alone, where the loader looks for them; the loader itself stands in lib or lib64. */
function addLibraries(root: string, { arch, userland }: RootParts): void {
  const { gnu } = archs[arch];
  for (const folder of [`lib/${gnu}`, `usr/lib/${gnu}`]) {
    mkdirSync(join(root, folder), { recursive: true });
    const libraries = readdirSync(join(userland, folder)).filter((name) => /\.so(\.|$)/.test(name));
    run('cp', ['-a', ...libraries, join(root, folder)], { cwd: join(userland, folder) });
  }
  for (const folder of ['lib', 'lib64']) {
    const names = existsSync(join(userland, folder)) ? readdirSync(join(userland, folder)) : [];
    const loaders = names.filter((name) => name.startsWith('ld-linux'));
    mkdirSync(join(root, folder), { recursive: true });
    if (loaders.length > 0)
      run('cp', ['-a', ...loaders, join(root, folder)], { cwd: join(userland, folder) });
  }
}
