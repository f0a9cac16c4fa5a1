import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { has, run, say } from '../shell.js';
import { allowForeign } from './foreign.js';

/** A Debian root and kernel, as packages gave them: nothing of Cairn is in it yet. */
export interface Debian {
  /** What the root and the kernel were made of; part of an image's key. */
  readonly key: string;
  /** The root, as a tar archive with owners. */
  readonly root: string;
  readonly release: string;
  /** The version of the kernel's package. */
  readonly kernelVersion: string;
  /** The kernel's package, unpacked: boot/, lib/modules/. */
  readonly kernel: string;
}

const SUITE = 'bookworm';
/** Beside what Debian calls essential. No SSH, no D-Bus, no package manager's fetching part: a node is written anew, not updated in place. */
const PACKAGES = [
  'systemd',
  'systemd-resolved',
  'systemd-timesyncd',
  'udev',
  'kmod',
  'e2fsprogs',
  'iproute2',
  'netbase',
  'ca-certificates',
  'libstdc++6',
  'busybox-static',
  'systemd-boot-efi',
  'usr-is-merged',
];
const OPTIONS = [
  '--mode=root',
  '--variant=essential',
  '--format=tar',
  '--aptopt=APT::Install-Recommends "false"',
  ...['man', 'locale', 'info', 'doc', 'lintian', 'bash-completion', 'zsh'].map(
    (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
  ),
  '--dpkgopt=path-include=/usr/share/doc/*/copyright',
];

/** Made by mmdebstrap once per list of packages; `fresh` takes the newest packages again. */
export function debianRoot(arch: Arch, cache: string, fresh: boolean): Debian {
  const wanted = [...OPTIONS, ...PACKAGES, SUITE, arch].join('\n');
  const name = `debian-${arch}-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`;
  const folder = join(cache, name);
  if (fresh) rmSync(folder, { recursive: true, force: true });
  if (!existsSync(folder)) make(arch, cache, folder);
  const kernel = join(folder, 'kernel');
  const release = readdirSync(join(kernel, 'lib/modules'))[0];
  if (release === undefined) throw new Error(`${kernel}: no kernel in it; delete ${folder}`);
  const deb = readdirSync(join(folder, 'debs')).find((file) => file.startsWith(`linux-image-${release}_`));
  const kernelVersion = deb?.split('_')[1] ?? release;
  return { key: name, root: join(folder, 'root.tar'), release, kernelVersion, kernel };
}

function make(arch: Arch, cache: string, folder: string): void {
  if (process.getuid?.() !== 0) throw new Error('making an image needs root: its files belong to many users');
  if (!has('mmdebstrap')) throw new Error('mmdebstrap is missing: apt install mmdebstrap');
  allowForeign(arch);
  say(`Debian ${SUITE} ${arch}: downloading and unpacking, about a minute (arm64 on amd64: five)`);
  const draft = `${folder}.${process.pid}`;
  const packages = join(cache, `packages-${arch}`);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(join(draft, 'debs'), { recursive: true });
  mkdirSync(packages, { recursive: true });
  const archives = '"$1"/var/cache/apt/archives';
  const meta = archs[arch].kernelPackage;
  run('mmdebstrap', [
    ...OPTIONS,
    `--architectures=${arch}`,
    `--include=${PACKAGES.join(',')}`,
    // Packages that an earlier build fetched are taken from the cache, and new ones are put there.
    `--setup-hook=mkdir -p ${archives}/ && find '${packages}' -name '*.deb' -exec cp -t ${archives}/ {} +`,
    `--extract-hook=find ${archives}/ -name '*.deb' -exec cp -n -t '${packages}' {} +`,
    `--customize-hook=cd '${draft}/debs' && export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG && apt-get download "$(apt-cache depends ${meta} | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p')"`,
    SUITE,
    join(draft, 'root.tar'),
  ]);
  const debs = readdirSync(join(draft, 'debs'));
  for (const deb of debs) run('dpkg', ['-x', join(draft, 'debs', deb), join(draft, 'kernel')]);
  renameSync(draft, folder);
}
