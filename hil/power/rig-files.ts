import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { archs } from '../machine/arch.js';
import { addToRun } from '../node-image/added.js';
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

/** Writes the image's initrd anew to `initrd`: with the node file of the power cuts, and a drop-in for the node's service. */
export function addRigFiles({ image, project, brokerPort }: RigFiles, initrd: string): void {
  const here = join(project, 'hil/power');
  const read = (name: string) => readFileSync(join(here, name), 'utf8');
  const noSyncFile = noSync(image.arch, join(here, 'no-sync.c'), `${initrd}.so`).toString('base64');
  addToRun(
    image,
    [
      { path: 'rig/node.yaml', text: read('node.yaml').replace('BROKER_PORT', String(brokerPort)) },
      { path: 'rig/rig-start', text: read('rig-start'), mode: 0o755 },
      { path: 'rig/no-sync.base64', text: noSyncFile },
      { path: 'systemd/system/cairn.service.d/rig.conf', text: read('rig.conf') },
      { path: 'modules-load.d/rig.conf', text: 'virtio_console\n' },
    ],
    initrd,
  );
}

function noSync(arch: NodeImage['arch'], source: string, library: string): Buffer {
  const compiler = archs[arch].crossPrefix === '' ? 'gcc-12' : `${archs[arch].crossPrefix}gcc`;
  run(compiler, ['-shared', '-fPIC', '-O2', '-nostdlib', '-o', library, source]);
  return readFileSync(library);
}
