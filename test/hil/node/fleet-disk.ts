import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freshFolder, run } from '../../../hil/shell.js';
import { project } from './image-file.js';

/** Of a checkout that `npm run build` went through, what `bin/cairn-fleet` needs, and the program node that its add-ons were built for. */
const PARTS = [
  'package.json',
  'bin/cairn-fleet',
  'docs/fleet/config.md',
  'install',
  'native/binding.gyp',
  'native/build/Release/cairn.node',
  'dist/drivers/contract',
  'dist/native',
  'dist/wire',
  'dist/fleet',
  'fleet/package.json',
  'fleet/web/assets',
  'node_modules',
];
export const CHECKOUT = '/opt/cairn';
const SIZE = '700M';

/** A disk (ext4, to be mounted at /opt) with the project on it, at `file`. */
export function makeFleetDisk(folder: string, file: string): void {
  const to = join(freshFolder(folder), 'cairn');
  for (const part of PARTS) {
    mkdirSync(dirname(join(to, part)), { recursive: true });
    cpSync(join(project(), part), join(to, part), { recursive: true, verbatimSymlinks: true });
  }
  cpSync(process.execPath, join(folder, 'node'));
  run('/usr/sbin/mkfs.ext4', [
    '-q',
    '-F',
    '-O',
    '^has_journal',
    '-E',
    'root_owner=0:0',
    '-d',
    folder,
    file,
    SIZE,
  ]);
}

/** An empty disk for the fleet's own folder. */
export function makeDataDisk(file: string): void {
  run('/usr/sbin/mkfs.ext4', ['-q', '-F', '-L', 'fleet-data', file, '512M']);
}
