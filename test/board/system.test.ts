import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { SystemTwin } from '../../drivers/contract/index.js';
import { linuxSystemFiles } from '../../runtime/board/linux-system.js';
import { twinSystemFiles } from '../../runtime/board/twin-system.js';
import { createWorld } from '../../runtime/board/world.js';
import { systemContract } from '../contract/system.js';

const twin: SystemTwin = {
  attachment: 'system',
  read: (path) => (path === '/proc/loadavg' ? '0.00 0.01 0.05 1/80 999\n' : undefined),
  list: (path) => (path === '/sys/class/thermal' ? ['thermal_zone1', 'thermal_zone0'] : undefined),
  space: () => ({ totalBytes: 1000, freeBytes: 500 }),
};
const worldAt = createWorld(1, 0n);

systemContract('twin system', {
  files: twinSystemFiles(twin, () => worldAt(0n)),
  file: '/proc/loadavg',
  folder: '/sys/class/thermal',
});
systemContract('this machine', { files: linuxSystemFiles(), file: '/proc/meminfo', folder: '/proc/self' });

const noSymbols = existsSync('/proc/kallsyms') ? false : 'this kernel shows no /proc/kallsyms';
test('a file of proc longer than one read comes whole up to its bound', { skip: noSymbols }, async () => {
  const files = linuxSystemFiles();
  const wanted = readFileSync('/proc/kallsyms', 'utf8').slice(0, 65_536);
  assert.equal((await files.read('/proc/kallsyms', 65_536)).length, wanted.length);
});

test('the room is what df says', async () => {
  const df = execFileSync('df', ['-B1', '--output=size,avail', '/proc/self/cwd/']).toString();
  const [size, free] = df.trim().split('\n')[1]!.trim().split(/\s+/).map(Number);
  const space = await linuxSystemFiles().space('/proc/self/cwd/');
  assert.equal(space.totalBytes, size);
  assert.ok(Math.abs(space.freeBytes - free!) < 100e6, 'the disk is in use meanwhile');
});
