import assert from 'node:assert/strict';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { disk } from '../../../hil/machine/qemu.js';
import { addToRun } from '../../../hil/node-image/added.js';
import { freshFolder, run } from '../../../hil/shell.js';
import { NodeGuest, type NodeGuestOptions, SHELL } from './guest.js';
import { nodeImage, project } from './image-file.js';

/** Cards that are late, spoilt, or larger than their image: the node samples in the end, and nobody lays a hand on it. */

const TIMEOUT_MS = 900_000;
const BOOT_MS = 300_000;
const work = process.env.CAIRN_HIL_WORK ?? join(project(), '.cache/hil/run/cards');
const image = await nodeImage();

async function boot(t: TestContext, name: string, options: Partial<NodeGuestOptions>): Promise<NodeGuest> {
  const folder = freshFolder(join(work, name));
  const guest = await NodeGuest.boot({ image, work: folder, files: [], timeoutMs: TIMEOUT_MS, ...options });
  t.after(() => guest.stop());
  await guest.ready(BOOT_MS);
  return guest;
}

function copyOf(file: string, name: string): string {
  const copy = join(freshFolder(join(work, `${name}-disk`)), 'card');
  run('cp', ['--sparse=always', file, copy]);
  return copy;
}

/** Until its service manager has heard that it samples, or says what its journal says. */
async function samples(guest: NodeGuest): Promise<void> {
  await guest.until('systemctl is-active cairn', /^active$/, BOOT_MS);
}

test('a data disk that comes when the node has long been waiting for it', {
  timeout: TIMEOUT_MS,
}, async (t) => {
  const data = copyOf(image.emptyData, 'late');
  const guest = await boot(t, 'late', {
    disks: [
      ...disk('root', image.root, { readonly: true, serial: 'root' }),
      ...['-device', 'qemu-xhci,id=usb', '-drive', `file=${data},format=raw,if=none,id=late`],
    ],
  });
  await guest.until('journalctl -u cairn -o cat --no-pager', /the data partition is not mounted/, BOOT_MS);
  await guest.until('systemctl is-active cairn-console@*', /^active$/, BOOT_MS);
  await guest.qmp.execute('device_add', { driver: 'usb-storage', drive: 'late', bus: 'usb.0' });
  const pluggedMs = performance.now();
  await samples(guest);
  t.diagnostic(`samples ${((performance.now() - pluggedMs) / 1000).toFixed(1)} s after the disk came`);
  assert.match(await guest.sh('findmnt -no SOURCE /var/lib/cairn'), /^\/dev\/sd/);
});

test('a data disk whose first 300 KB are zeros', { timeout: TIMEOUT_MS }, async (t) => {
  const data = copyOf(image.emptyData, 'spoilt');
  const before = await boot(t, 'before', { data });
  await samples(before);
  await before.stop();
  // The primary superblock stays, so that the disk is still known by its label; descriptors, bitmaps and the root folder's inode go.
  const file = openSync(data, 'r+');
  writeSync(file, new Uint8Array(298 * 1024), 0, undefined, 2 * 1024);
  closeSync(file);
  const guest = await boot(t, 'spoilt', { data });
  await samples(guest);
  assert.match(await guest.sh('cat /var/e2fsck.log'), /FILE SYSTEM WAS MODIFIED/);
  assert.equal(await guest.sh('stat -c %U /var/lib/cairn'), 'cairn');
});

test('a data disk that holds no file system: the console comes up, and the node goes on asking', {
  timeout: TIMEOUT_MS,
}, async (t) => {
  const data = copyOf(image.emptyData, 'blank');
  truncateSync(data, 0);
  truncateSync(data, 64 << 20);
  const guest = await boot(t, 'blank', { data });
  await guest.until('journalctl -u cairn -o cat --no-pager', /not mounted[\s\S]*not mounted/, BOOT_MS);
  await guest.until('systemctl is-active cairn-console@*', /^active$/, BOOT_MS);
});

test('the file that is written to a card boots by UEFI, and grows over the card', {
  timeout: TIMEOUT_MS,
}, async (t) => {
  const whole = await nodeImage(true);
  const card = copyOf(whole.disk, 'card');
  run('truncate', ['-s', '+512M', card]);
  const initrd = join(work, 'card-disk', 'initrd');
  addToRun(whole, SHELL, initrd);
  run('mcopy', ['-o', '-i', `${card}@@1M`, initrd, '::cairn/initrd'], { env: { MTOOLS_SKIP_CHECK: '1' } });
  const guest = await boot(t, 'card', { image: whole, disks: disk('card', card), firmware: true });
  await samples(guest);
  const mib = Number(await guest.sh('df --output=size -m /var/lib/cairn | tail -1'));
  t.diagnostic(`${mib} MiB of the card hold data`);
  assert.ok(mib > 700, `${mib} MiB`);
  const ready = await guest.sh('systemctl show cairn -p ActiveEnterTimestampMonotonic --value');
  t.diagnostic(`samples ${(Number(ready) / 1e6).toFixed(1)} s after the kernel began`);
});
