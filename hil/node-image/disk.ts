import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Arch } from '../machine/arch.js';
import { run } from '../shell.js';

const MIB = 1 << 20;
export const DATA_MIB = 256;
const ESP_MIB = 96;
/** Fixed, so that the same parts give the same bytes. */
const UUIDS = {
  root: '63616972-6e00-4000-8000-726f6f740000',
  data: '63616972-6e00-4000-8000-646174610000',
  disk: '63616972-6e00-4000-8000-6469736b0000',
};
const EPOCH = '1735689600';
/** https://uapi-group.org/specifications/specs/discoverable_partitions_specification */
const ROOT_TYPES: Readonly<Record<Arch, string>> = {
  amd64: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  arm64: 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
};
const LINUX = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';
const ESP = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';
const EFI_NAMES: Readonly<Record<Arch, { readonly from: string; readonly to: string }>> = {
  amd64: { from: 'systemd-bootx64.efi', to: 'BOOTX64.EFI' },
  arm64: { from: 'systemd-bootaa64.efi', to: 'BOOTAA64.EFI' },
};

/** The root's folder as an ext4 image without a journal: nobody ever writes to it. */
export function makeRootImage(folder: string, image: string): void {
  run('find', [
    folder,
    '-xdev',
    '-newermt',
    `@${EPOCH}`,
    '-exec',
    'touch',
    '-h',
    '-d',
    `@${EPOCH}`,
    '{}',
    '+',
  ]);
  const kib = Number(/^\d+/.exec(run('du', ['-skx', '--apparent-size', folder]))?.[0] ?? 0);
  const files = Number(run('sh', ['-c', 'find "$0" -xdev | wc -l', folder]));
  const mib = 8 * Math.ceil((kib / 1024 + files * 0.003 + 24) / 8);
  // mkfs spreads the inodes over the block groups and may make some hundred fewer than it was asked for.
  const options = ['-O', '^has_journal', '-m', '0', '-N', String(files + 1024), '-d', folder];
  makeExt4('cairn-root', UUIDS.root, image, mib, options);
}

/** An empty data partition that belongs to the node's user. */
export function makeDataImage(owner: string, image: string): void {
  const extended = `lazy_itable_init=0,lazy_journal_init=0,root_owner=${owner}`;
  makeExt4('cairn-data', UUIDS.data, image, DATA_MIB, ['-m', '1', '-E', extended]);
}

function makeExt4(label: string, uuid: string, image: string, mib: number, options: readonly string[]): void {
  rmSync(image, { force: true });
  const extended = options.indexOf('-E');
  const all =
    extended < 0
      ? [...options, '-E', `hash_seed=${uuid}`]
      : options.with(extended + 1, `${options[extended + 1]},hash_seed=${uuid}`);
  run('/usr/sbin/mkfs.ext4', ['-q', '-F', '-L', label, '-U', uuid, ...all, image, `${mib}M`], {
    env: { E2FSPROGS_FAKE_TIME: EPOCH },
  });
}

export interface DiskParts {
  readonly arch: Arch;
  readonly kernel: string;
  readonly initrd: string;
  readonly append: readonly string[];
  readonly root: string;
  readonly data: string;
  /** The unpacked root, for the boot loader that Debian brings. */
  readonly rootFolder: string;
}

/** One disk that boots by itself under UEFI: ESP, root, data. */
export function makeDisk(parts: DiskParts, work: string, image: string): void {
  const esp = makeEsp(parts, work);
  const sizes = [ESP_MIB, statSync(parts.root).size / MIB, statSync(parts.data).size / MIB];
  const starts = sizes.map((_size, i) => 1 + sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const total = 1 + sizes.reduce((sum, size) => sum + size, 0) + 1;
  rmSync(image, { force: true });
  const file = openSync(image, 'w');
  ftruncateSync(file, total * MIB);
  closeSync(file);
  const types = [ESP, ROOT_TYPES[parts.arch], LINUX];
  const names = ['cairn-esp', 'cairn-root', 'cairn-data'];
  const table = [
    'label: gpt',
    `label-id: ${UUIDS.disk}`,
    ...names.map(
      (name, i) =>
        `start=${starts[i]}MiB, size=${sizes[i]}MiB, type=${types[i]}, name=${name}, uuid=${UUIDS.disk.slice(0, -1)}${i + 1}`,
    ),
  ];
  const script = join(work, 'partitions');
  writeFileSync(script, `${table.join('\n')}\n`);
  run('sh', ['-c', '/usr/sbin/sfdisk --quiet "$0" < "$1"', image, script]);
  for (const [i, part] of [esp, parts.root, parts.data].entries()) {
    run('dd', [
      `if=${part}`,
      `of=${image}`,
      'bs=1M',
      `seek=${starts[i]}`,
      'conv=notrunc,sparse',
      'status=none',
    ]);
  }
}

function makeEsp(parts: DiskParts, work: string): string {
  const image = join(work, 'esp.fat');
  const { from, to } = EFI_NAMES[parts.arch];
  rmSync(image, { force: true });
  run('/usr/sbin/mkfs.vfat', [
    '-C',
    '-F',
    '32',
    '-n',
    'CAIRN-ESP',
    '-i',
    '0ca14000',
    '--invariant',
    image,
    String(ESP_MIB * 1024),
  ]);
  const options = [...parts.append, 'cairn.grow'].join(' ');
  writeFileSync(join(work, 'loader.conf'), 'timeout 0\ndefault cairn.conf\neditor no\n');
  writeFileSync(
    join(work, 'cairn.conf'),
    `title Cairn\nlinux /cairn/linux\ninitrd /cairn/initrd\noptions ${options}\n`,
  );
  const env = { MTOOLS_SKIP_CHECK: '1', SOURCE_DATE_EPOCH: EPOCH };
  run('mmd', ['-i', image, '::EFI', '::EFI/BOOT', '::loader', '::loader/entries', '::cairn'], { env });
  const copies = {
    [join(parts.rootFolder, 'usr/lib/systemd/boot/efi', from)]: `EFI/BOOT/${to}`,
    [join(work, 'loader.conf')]: 'loader/loader.conf',
    [join(work, 'cairn.conf')]: 'loader/entries/cairn.conf',
    [parts.kernel]: 'cairn/linux',
    [parts.initrd]: 'cairn/initrd',
  };
  for (const [source, target] of Object.entries(copies))
    run('mcopy', ['-i', image, source, `::${target}`], { env });
  return image;
}
