import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { freshFolder, run } from '../shell.js';

/** What the initrd loads, in this order, each with what it depends on; the last only where the root isn't found before. */
const STAGES = {
  '0-ext4': ['crc32c_generic', 'crc32c_intel', 'ext4'],
  '1-virtio': ['virtio_pci', 'virtio_mmio', 'virtio_blk'],
  '2-others': [
    'sdhci_pci',
    'sdhci_acpi',
    'sdhci_iproc',
    'mmc_block',
    'ahci',
    'sd_mod',
    'nvme',
    'xhci_pci',
    'ehci_pci',
    'uas',
    'usb_storage',
    'virtio_scsi',
  ],
};
/** Of the kernel's modules, what no node without a screen, a mouse or a loudspeaker has a use for: each costs its loading. */
const DROPPED = new RegExp(
  [
    '^sound',
    '^drivers/(gpu|media|infiniband|staging|video|isdn|target|accel|bluetooth|nfc|firewire|thunderbolt|ntb|md|edac|comedi)',
    '^virt',
    '^arch/[^/]+/kvm',
    '^arch/[^/]+/crypto/(?!crc)[^/]*',
    '^drivers/input/(mouse|misc|joystick|tablet|touchscreen)',
    '^drivers/net/(wireless|fddi|arcnet|hippi|fjes)',
    '^drivers/net/ethernet/(mellanox|chelsio|qlogic|emulex|cavium|netronome|sfc|huawei|pensando|brocade|cisco|amazon|fungible|hisilicon)',
    '^drivers/scsi/(?!(scsi_mod|scsi_common|sd_mod|virtio_scsi)\\.ko)[^/]*',
    '^fs/(ocfs2|ceph|gfs2|xfs|btrfs|nfs|nfsd|smb|cifs|ksmbd|jfs|reiserfs|f2fs|ubifs|afs|coda|orangefs|dlm|9p)',
    '^net/(wireless|mac80211|bluetooth|nfc|ceph|sunrpc|tipc|rds|sctp|openvswitch|atm|ax25|can/j1939)',
  ]
    .map((pattern) => `${pattern}(/|$)`)
    .join('|'),
);

/** Copies the kernel's modules into a root and indexes them. */
export function installModules(kernel: string, release: string, root: string): void {
  const from = join(kernel, 'lib/modules', release);
  const to = join(root, 'lib/modules', release);
  mkdirSync(to, { recursive: true });
  run('cp', ['-a', `${from}/.`, to]);
  for (const path of readdirSync(join(to, 'kernel'), { recursive: true, encoding: 'utf8' })) {
    if (DROPPED.test(path)) rmSync(join(to, 'kernel', path), { recursive: true, force: true });
  }
  run('depmod', ['-b', root, release]);
}

/** An initrd of busybox and modules that mounts the root by its label and goes there. */
export function makeInitrd(root: string, release: string, init: string, work: string, image: string): void {
  const folder = freshFolder(join(work, 'initrd'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(root, 'usr/bin/busybox'), join(folder, 'bin/busybox'));
  copyFileSync(init, join(folder, 'init'));
  for (const file of ['bin/busybox', 'init']) chmodSync(join(folder, file), 0o755);
  const modules = modulesOf(join(root, 'lib/modules', release, 'kernel'));
  const taken = new Set<string>();
  for (const [stage, names] of Object.entries(STAGES)) {
    const to = join(folder, 'modules', stage);
    mkdirSync(to, { recursive: true });
    for (const name of names) copyModule(name, modules, taken, to);
  }
  run('find', [folder, '-exec', 'touch', '-h', '-d', '@0', '{}', '+']);
  const pack =
    'find . | LC_ALL=C sort | cpio --quiet --reproducible -R 0:0 -o -H newc | zstd -q -f -10 -o "$0"';
  run('sh', ['-c', pack, image], { cwd: folder });
}

function modulesOf(folder: string): ReadonlyMap<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ko'),
  );
  return new Map(paths.map((path) => [plain(basename(path, '.ko')), join(folder, path)]));
}

function plain(name: string): string {
  return name.replaceAll('-', '_');
}

/** A module after those it says it depends on; one that is no file is built into the kernel, or another architecture's. */
function copyModule(
  name: string,
  modules: ReadonlyMap<string, string>,
  taken: Set<string>,
  to: string,
): void {
  const path = modules.get(plain(name));
  if (path === undefined || taken.has(path)) return;
  taken.add(path);
  const depends = /\0depends=([^\0]*)\0/.exec(readFileSync(path, 'latin1'))?.[1] ?? '';
  for (const other of depends.split(',').filter((word) => word !== '')) copyModule(other, modules, taken, to);
  const number = String(readdirSync(to).length).padStart(3, '0');
  copyFileSync(path, join(to, `${number}-${basename(path)}`));
}
