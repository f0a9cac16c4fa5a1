import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Arch } from '../../../hil/machine/arch.js';
import { buildImage, type NodeImage } from '../../../hil/node-image/index.js';

/** The project's folder, from wherever this file was compiled to. */
export function project(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}

/** Of the suites' image only; the secret of a real one is random and printed once. */
export const SUITES_SECRET = 'TEST-TEST-TEST-TEST-TEST-TEST-00';

/** The image that node suites share: nothing of any suite is in it. With `wholeDisk` it is the file that is written to a card, too. */
export function nodeImage(wholeDisk = false): Promise<NodeImage> {
  const cache = resolve(process.env.CAIRN_HIL_CACHE ?? join(project(), '.cache/hil'), '../image');
  const arch = (process.env.CAIRN_HIL_ARCH ?? 'amd64') as Arch;
  const nodeFile = join(project(), 'board-configs/nodes/image-demo.yaml');
  const out = join(cache, wholeDisk ? 'suites-disk' : 'suites');
  return buildImage({ arch, nodeFile, cache, out, secret: SUITES_SECRET, wholeDisk });
}
