import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { run } from '../shell.js';
import type { GuestKernel } from './kernel.js';

/** Loaded by the initrd, after what they depend on; ext4 asks for crc32c by name, not by symbol. */
const MODULES = ['virtio_pci', 'virtio_blk', 'crc32c_generic', 'ext4', 'configfs', 'i2c-dev', 'lm75'];
const BUILT = ['irq_sim', 'gpio-sim', 'cairn_i2c'];
const APPLETS = [
  'sh',
  'mount',
  'mkdir',
  'ip',
  'stty',
  'cat',
  'tr',
  'sed',
  'sync',
  'poweroff',
  'sleep',
  'kill',
];
/** What the runtime and its suites load; each with what it depends on. */
const PACKAGES = ['i2c-bus', 'onoff', 'serialport', 'node-gyp-build', 'valibot', 'yaml', 'fast-check'];

/** An initrd that loads the modules and goes to the root. */
export function makeInitrd(kernel: GuestKernel, project: string, work: string): string {
  const folder = fresh(join(work, 'initrd'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'modules'));
  copyFileSync(kernel.busybox, join(folder, 'bin/busybox'));
  chmodSync(join(folder, 'bin/busybox'), 0o755);
  copyFileSync(join(project, 'hil/guest/init'), join(folder, 'init'));
  chmodSync(join(folder, 'init'), 0o755);
  const built = BUILT.map((name) => join(kernel.builtModules, `${name}.ko`));
  for (const [i, path] of [...inOrder(kernel.modules, MODULES), ...built].entries()) {
    copyFileSync(path, join(folder, 'modules', `${String(i).padStart(2, '0')}-${basename(path)}`));
  }
  const image = join(work, 'initrd.zst');
  run('sh', ['-c', `find . | cpio --quiet -o -H newc | zstd -q -f -o '${image}'`], folder);
  return image;
}

/** Each module after those it says it depends on. */
function inOrder(folder: string, names: readonly string[]): readonly string[] {
  const paths = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [basename(path, '.ko').replaceAll('-', '_'), join(folder, path)]),
  );
  const order = new Set<string>();
  const add = (name: string): void => {
    const path = paths.get(name.replaceAll('-', '_'));
    if (path === undefined || order.has(path)) return; // not a file: built into the kernel
    const depends = /\0depends=([^\0]*)\0/.exec(readFileSync(path, 'latin1'))?.[1] ?? '';
    for (const other of depends.split(',').filter((word) => word !== '')) add(other);
    order.add(path);
  };
  for (const name of names) add(name);
  return [...order];
}

/** A root of busybox, node, socat and the compiled project, as an ext4 image that the guest mounts read-only. */
export function makeRoot(kernel: GuestKernel, project: string, compiled: string, work: string): string {
  const folder = fresh(join(work, 'root'));
  for (const name of ['bin', 'sbin', 'dev', 'proc', 'sys', 'tmp', 'cairn/native/build/Release', 'cairn/hil'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(kernel.busybox, join(folder, 'bin/busybox'));
  chmodSync(join(folder, 'bin/busybox'), 0o755);
  for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet));
  copyFileSync(join(project, 'hil/guest/start'), join(folder, 'sbin/start'));
  chmodSync(join(folder, 'sbin/start'), 0o755);
  addProgram(folder, process.execPath, 'bin/node');
  if (existsSync('/usr/bin/socat')) addProgram(folder, '/usr/bin/socat', 'bin/socat');
  addProject(join(folder, 'cairn'), project, compiled);
  const image = join(work, 'root.ext4');
  rmSync(image, { force: true });
  run('sh', ['-c', `PATH=$PATH:/usr/sbin mkfs.ext4 -q -F -O ^has_journal -d '${folder}' '${image}' 320M`]);
  return image;
}

function addProject(to: string, project: string, compiled: string): void {
  cpSync(compiled, join(to, 'dist'), { recursive: true });
  cpSync(join(project, 'hil/rigs'), join(to, 'hil/rigs'), { recursive: true });
  for (const path of [
    'package.json',
    'package-lock.json',
    'native/binding.gyp',
    'native/build/Release/cairn.node',
  ])
    copyFileSync(join(project, path), join(to, path));
  const seen = new Set<string>();
  const add = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const from = join(project, 'node_modules', name);
    cpSync(from, join(to, 'node_modules', name), {
      recursive: true,
      filter: (path) => !/\/(obj\.target|prebuilds\/(?!linux-x64)[^/]*)(\/|$)/.test(path),
    });
    const { dependencies = {} } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const other of Object.keys(dependencies)) {
      if (!existsSync(join(from, 'node_modules', other))) add(other);
    }
  };
  for (const name of PACKAGES) add(name);
}

/** A program of this machine, with the libraries it is linked to, each under its own path. */
function addProgram(root: string, program: string, as: string): void {
  const path = realpathSync(program);
  copyFileSync(path, join(root, as));
  chmodSync(join(root, as), 0o755);
  for (const [, library] of run('ldd', [path]).matchAll(/(\/\S+) \(0x/g)) {
    const to = join(root, library!);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(realpathSync(library!), to);
  }
}

function fresh(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
