import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { run } from '../shell.js';
import { fresh } from './debian.js';
import type { GuestNode } from './node.js';

const APPLETS = [
  ...['sh', 'mount', 'mkdir', 'ip', 'stty', 'cat', 'ls', 'sync', 'poweroff', 'sleep', 'kill', 'ps', 'dmesg'],
  ...['setsid', 'cttyhack'],
];
const SIZE_MIB = 448;

export interface RootParts {
  readonly arch: Arch;
  readonly userland: string;
  readonly node: GuestNode;
  readonly programs: readonly string[];
  readonly project: string;
  /** Where the project's TypeScript was compiled to. */
  readonly compiled: string;
  readonly rigFile: string;
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
  addProject(join(folder, 'cairn'), parts);
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

/** The compiled project with what its package.json names, but the add-ons as they were compiled for the guest. */
function addProject(to: string, { arch, node, project, compiled, rigFile }: RootParts): void {
  cpSync(compiled, join(to, 'dist'), { recursive: true });
  copyFileSync(rigFile, join(to, 'rig.yaml'));
  mkdirSync(join(to, 'native'));
  for (const path of ['package.json', 'package-lock.json', 'native/binding.gyp'])
    copyFileSync(join(project, path), join(to, path));
  cpSync(join(project, 'board-configs'), join(to, 'board-configs'), { recursive: true });
  addPackages(to, project, archs[arch].nodeArch);
  for (const [name, from] of Object.entries(node.addons)) {
    const package_ = name === 'native' ? name : join('node_modules', name);
    cpSync(from, join(to, package_, 'build/Release'), { recursive: true });
  }
}

function addPackages(to: string, project: string, nodeArch: string): void {
  const other = new RegExp(`/(obj\\.target|build/Release|prebuilds/(?!linux-${nodeArch}(/|$))[^/]*)(/|$)`);
  const seen = new Set<string>();
  const add = (name: string): void => {
    const from = join(project, 'node_modules', name);
    if (seen.has(name) || !existsSync(from)) return;
    seen.add(name);
    const filter = (path: string) => !other.test(path);
    cpSync(from, join(to, 'node_modules', name), { recursive: true, filter });
    for (const next of dependenciesOf(from)) {
      if (!existsSync(join(from, 'node_modules', next))) add(next);
    }
  };
  for (const name of [...dependenciesOf(project), 'fast-check', 'aedes']) add(name);
}

function dependenciesOf(folder: string): readonly string[] {
  const read = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, object>;
  return Object.keys({ ...read.dependencies, ...read.optionalDependencies }).filter(
    (name) => name !== 'node-gyp', // compiles, and nothing is compiled there
  );
}
