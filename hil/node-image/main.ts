import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Arch } from '../machine/arch.js';
import { buildImage } from './index.js';

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    arch: { type: 'string', default: 'amd64' },
    'owner-key': { type: 'string' },
    out: { type: 'string' },
  },
});
const cache = join(process.cwd(), '.cache/image');
const image = await buildImage({
  arch: values.arch as Arch,
  nodeFile: values.node ?? '',
  cache,
  out: values.out ?? join(cache, 'out'),
  ...(values['owner-key'] === undefined ? {} : { ownerKey: values['owner-key'] }),
});
console.log(image);
