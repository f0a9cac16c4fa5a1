import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { archs } from '../machine/arch.js';
import type { NodeImage } from '../node-image/index.js';
import { run } from '../shell.js';

/** What the node does wrong: it doesn't sync, or its file system doesn't flush the disk. */
export type Fault = 'no-sync' | 'no-flush';

/** The kernel's words that ask for a fault. */
export function faultWords(fault: Fault | undefined): readonly string[] {
  return fault === undefined ? [] : [`cairn.rig=${fault}`];
}

export interface RigFiles {
  readonly image: NodeImage;
  /** The project's folder. */
  readonly project: string;
  /** On this machine's loopback. */
  readonly brokerPort: number;
}

/**
 * Writes the image's initrd anew to `initrd`, with an archive behind it that fills /run before systemd is started: the node file of the
 * power cuts, and a drop-in for the node's service. The image itself stays as it is flashed.
 */
export function addRigFiles({ image, project, brokerPort }: RigFiles, initrd: string): void {
  const folder = `${initrd}.added`;
  rmSync(folder, { recursive: true, force: true });
  for (const [path, bytes] of rigFiles(image.arch, join(project, 'hil/power'), brokerPort, initrd)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes, { mode: 0o755 });
  }
  const init = readFileSync(join(project, 'hil/node-image/init'), 'utf8');
  const last = /^exec .*switch_root.*$/m;
  if (!last.test(init)) throw new Error('the image’s init does not end as the power-cut rig knows it');
  const fill =
    '/bin/busybox mount -t tmpfs -o mode=755 run /root/run && /bin/busybox cp -a /run/. /root/run/';
  writeFileSync(
    join(folder, 'init'),
    init.replace(last, (line) => `${fill}\n${line}`),
    { mode: 0o755 },
  );
  copyFileSync(image.initrd, initrd);
  run('sh', ['-c', 'find . | cpio --quiet -R 0:0 -o -H newc | zstd -q >>"$0"', initrd], { cwd: folder });
}

function rigFiles(
  arch: NodeImage['arch'],
  here: string,
  brokerPort: number,
  initrd: string,
): ReadonlyMap<string, string | Buffer> {
  const read = (name: string) => readFileSync(join(here, name), 'utf8');
  return new Map<string, string | Buffer>([
    ['run/rig/node.yaml', read('node.yaml').replace('BROKER_PORT', String(brokerPort))],
    ['run/rig/rig-start', read('rig-start')],
    ['run/rig/no-sync.base64', noSync(arch, join(here, 'no-sync.c'), `${initrd}.so`).toString('base64')],
    ['run/systemd/system/cairn.service.d/rig.conf', read('rig.conf')],
    ['run/modules-load.d/rig.conf', 'virtio_console\n'],
  ]);
}

function noSync(arch: NodeImage['arch'], source: string, library: string): Buffer {
  const compiler = archs[arch].crossPrefix === '' ? 'gcc-12' : `${archs[arch].crossPrefix}gcc`;
  run(compiler, ['-shared', '-fPIC', '-O2', '-nostdlib', '-o', library, source]);
  return readFileSync(library);
}
