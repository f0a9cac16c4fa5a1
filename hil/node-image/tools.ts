import { type Arch, archs } from '../machine/arch.js';
import { installMissing } from '../tools.js';

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
export function installImageTools(arch: Arch): void {
  const { gnu, nodeArch } = archs[arch];
  const cross = gnu.replaceAll('_', '-');
  const foreign = nodeArch === process.arch ? {} : { 'qemu-aarch64-static': 'qemu-user-static' };
  const compilers = { [`${gnu}-gcc`]: `gcc-${cross}`, [`${gnu}-g++`]: `g++-${cross}` };
  installMissing({ ...TOOLS, ...compilers, ...foreign });
}
