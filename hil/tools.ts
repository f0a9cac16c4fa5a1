import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Arch, archs } from './machine/arch.js';
import { has, say } from './shell.js';

/** Programs and files that are needed, and the Debian packages they come in. */
function toolsFor(arch: Arch): Readonly<Record<string, string>> {
  const { qemu, qemuPackage, firmware, firmwarePackage, gnu, crossPrefix } = archs[arch];
  const cross = gnu.replace('_', '-');
  return {
    [qemu]: qemuPackage,
    [firmware]: firmwarePackage,
    'mkfs.ext4': 'e2fsprogs',
    [`${crossPrefix}gcc-12`]: `gcc-12${crossPrefix && `-${cross}`}`,
    [`${gnu}-gcc`]: crossPrefix ? `gcc-${cross}` : 'gcc',
    [`${gnu}-g++`]: crossPrefix ? `g++-${cross}` : 'g++',
    make: 'make',
    python3: 'python3',
    cpio: 'cpio',
    zstd: 'zstd',
  };
}

/** Installs what a rig needs and is missing, as root only. */
export function installTools(arch: Arch): void {
  installMissing(toolsFor(arch));
}

/** Of programs and files, by the Debian packages they come in: installs those that are missing, as root only, and says which. */
export function installMissing(tools: Readonly<Record<string, string>>): void {
  const missing = Object.entries(tools)
    .filter(([name]) => !(name.startsWith('/') ? existsSync(name) : has(name)))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error(`install these Debian packages first: ${missing.join(' ')}`);
  say(`installing Debian packages: ${missing.join(' ')}`);
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...missing];
  if (apt(install).status === 0) return;
  apt(['update', '-qq']); // a fresh container has no package lists
  const { status, stderr } = apt(install);
  if (status !== 0) throw new Error(`apt-get could not install them:\n${stderr}`);
}

function apt(args: readonly string[]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', args, { encoding: 'utf8', env });
}
