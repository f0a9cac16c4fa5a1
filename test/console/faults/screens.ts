import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../house/imports.js';
import type { Bench } from './bench.js';

/** Set by whoever wants docs/screens/ written anew (docs/console.md). */
export const WANTS_SCREENS = process.env.CAIRN_SCREENS === '1';

/** Keeps a screen for the documentation. The test's own places stand there as a node has them. */
export function keepScreen({ node, machine }: Bench, name: string, screen: string): void {
  if (!WANTS_SCREENS) return;
  const text = screen
    .replaceAll(node.configFile, '/etc/cairn/node.yaml')
    .replaceAll(machine.disk, '/var/lib/cairn')
    .replaceAll(node.folder, '/etc/cairn');
  const folder = join(root, 'docs/screens');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.txt`), `${text}\n`);
}
