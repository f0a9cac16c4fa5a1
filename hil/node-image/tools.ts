import { type Arch, archs } from '../machine/arch.js';
import { has, run, say } from '../shell.js';

/** Programs that an image is made with, and the Debian packages they come in. */
const TOOLS: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'mkfs.ext4': 'e2fsprogs',
  'mkfs.vfat': 'dosfstools',
  mcopy: 'mtools',
  sfdisk: 'fdisk',
  depmod: 'kmod',
  cpio: 'cpio',
  zstd: 'zstd',
  make: 'make',
  python3: 'python3',
  'systemd-sysusers': 'systemd',
};

/** Installs what is missing, as root only, and says which. */
export function installTools(arch: Arch): void {
  const { gnu, nodeArch } = archs[arch];
  const cross = gnu.replaceAll('_', '-');
  const foreign = nodeArch === process.arch ? {} : { 'qemu-aarch64-static': 'qemu-user-static' };
  const compilers = { [`${gnu}-gcc`]: `gcc-${cross}`, [`${gnu}-g++`]: `g++-${cross}` };
  const missing = Object.entries({ ...TOOLS, ...compilers, ...foreign })
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) throw new Error(`install these Debian packages first: ${missing.join(' ')}`);
  say(`installing Debian packages: ${missing.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
}
