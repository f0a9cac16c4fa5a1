import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder, run } from '../shell.js';
import { type Project, packProject } from './project.js';

const APPLETS = [
  ...['sh', 'mount', 'mkdir', 'ip', 'stty', 'cat', 'ls', 'sync', 'poweroff', 'sleep', 'kill', 'ps', 'dmesg'],
  ...['setsid', 'cttyhack'],
];
/** Sparse: what is not used takes no space. */
const ROOT_MIB = 512;
const PROJECT_MIB = 128;

export interface RootParts {
  readonly arch: Arch;
  readonly userland: string;
  readonly programs: readonly string[];
  readonly base: string;
}

/**
 * A root of busybox, the rig's programs, the libraries and the base, as an ext4 image that guests mount read-only; made once for each state
 * of these. The project is a disk of its own.
 */
export function makeRoot({ arch, userland, programs, base }: RootParts, cache: string): string {
  const parts = [arch, basename(base), basename(userland), ...APPLETS].join();
  const hash = createHash('sha256').update(parts).digest('hex').slice(0, 12);
  const image = join(cache, `root-${arch}-${hash}.ext4`);
  if (existsSync(image)) return image;
  const folder = freshFolder(`${image}.folder`);
  for (const name of ['bin', 'dev', 'proc', 'sys', 'tmp', 'cairn']) mkdirSync(join(folder, name));
  copyFileSync(join(userland, 'bin/busybox'), join(folder, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet));
  for (const program of programs) copyFileSync(programIn(userland, program), join(folder, 'bin', program));
  addLibraries(folder, arch, userland);
  run('cp', ['-a', base, join(folder, 'base')]);
  symlinkSync('/base/node', join(folder, 'bin/node'));
  makeImage(folder, `${image}.new`, ROOT_MIB);
  rmSync(folder, { recursive: true });
  renameSync(`${image}.new`, image);
  return image;
}

/** The project as it is now, as the disk that the guest mounts on /cairn. */
export function makeProjectDisk(project: Project, work: string): string {
  const folder = freshFolder(join(work, 'project'));
  packProject(project, '/base', folder);
  copyFileSync(join(project.project, 'hil/guest/start'), join(folder, 'start'));
  chmodSync(join(folder, 'start'), 0o755);
  const image = join(work, 'project.ext4');
  makeImage(folder, image, PROJECT_MIB);
  return image;
}

function makeImage(folder: string, image: string, mib: number): void {
  rmSync(image, { force: true });
  const make = `mkfs.ext4 -q -F -O ^has_journal -d '${folder}' '${image}' ${mib}M`;
  run('sh', ['-c', `PATH=$PATH:/usr/sbin ${make}`]);
}

function programIn(userland: string, program: string): string {
  const found = ['usr/bin', 'bin', 'usr/sbin', 'sbin']
    .map((folder) => join(userland, folder, program))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`the Debian package ${program} has no program of that name`);
  return found;
}

/** The shared libraries alone, where the loader looks for them; the loader itself stands in lib or lib64. */
function addLibraries(root: string, arch: Arch, userland: string): void {
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
