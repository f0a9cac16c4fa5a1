import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freshFolder, run } from '../shell.js';
import type { GuestKernel } from './kernel.js';

/** Loaded by the initrd, after what they depend on; ext4 asks for crc32c by name, not by symbol. */
const MODULES = [
  ...['virtio_pci', 'virtio_blk', 'virtio_console', 'crc32c_generic', 'ext4', 'configfs', 'i2c-dev', 'lm75'],
  ...['xhci_pci', 'ftdi_sio'],
];
const BUILT = ['irq_sim', 'gpio-sim', 'cairn_i2c'];

/** An initrd that loads the modules and goes to the root. */
export function makeInitrd(kernel: GuestKernel, userland: string, project: string, work: string): string {
  const folder = freshFolder(join(work, 'initrd'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'modules'));
  copyFileSync(join(userland, 'bin/busybox'), join(folder, 'bin/busybox'));
  copyFileSync(join(project, 'hil/guest/init'), join(folder, 'init'));
  chmodSync(join(folder, 'init'), 0o755);
  const built = BUILT.map((name) => join(kernel.builtModules, `${name}.ko`));
  for (const [i, path] of [...inOrder(kernel.modules, MODULES), ...built].entries()) {
    copyFileSync(path, join(folder, 'modules', `${String(i).padStart(2, '0')}-${basename(path)}`));
  }
  const image = join(work, 'initrd.zst');
  run('sh', ['-c', `find . | cpio --quiet -o -H newc | zstd -q -f -o '${image}'`], { cwd: folder });
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
