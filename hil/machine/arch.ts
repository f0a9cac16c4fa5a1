/** The two architectures a rig can emulate, by Debian's names. */
export type Arch = 'amd64' | 'arm64';

export interface ArchFacts {
  readonly qemu: string;
  /** The Debian package that brings it. */
  readonly qemuPackage: string;
  /** Always by translation (TCG): one clock, the same behaviour on every host. */
  readonly machine: readonly string[];
  /** The kernel's name of the first serial port. */
  readonly console: 'ttyS0' | 'ttyAMA0';
  /** UEFI, and the Debian package that brings it. */
  readonly firmware: string;
  readonly firmwarePackage: string;
  readonly nodeArch: 'x64' | 'arm64';
  readonly gnu: 'x86_64-linux-gnu' | 'aarch64-linux-gnu';
  readonly kernelPackage: string;
  /** ARCH= of the kernel's own build. */
  readonly kernelArch: 'x86' | 'arm64';
  /** CROSS_COMPILE= on an amd64 host. */
  readonly crossPrefix: '' | 'aarch64-linux-gnu-';
}

export const archs: Readonly<Record<Arch, ArchFacts>> = {
  amd64: {
    qemu: 'qemu-system-x86_64',
    qemuPackage: 'qemu-system-x86',
    machine: '-accel tcg,thread=multi -M q35 -cpu max -smp 2'.split(' '),
    console: 'ttyS0',
    firmware: '/usr/share/ovmf/OVMF.fd',
    firmwarePackage: 'ovmf',
    nodeArch: 'x64',
    gnu: 'x86_64-linux-gnu',
    kernelPackage: 'linux-image-amd64',
    kernelArch: 'x86',
    crossPrefix: '',
  },
  arm64: {
    qemu: 'qemu-system-aarch64',
    qemuPackage: 'qemu-system-arm',
    machine: '-accel tcg,thread=multi -M virt -cpu cortex-a57 -smp 2'.split(' '),
    console: 'ttyAMA0',
    firmware: '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd',
    firmwarePackage: 'qemu-efi-aarch64',
    nodeArch: 'arm64',
    gnu: 'aarch64-linux-gnu',
    kernelPackage: 'linux-image-arm64',
    kernelArch: 'arm64',
    crossPrefix: 'aarch64-linux-gnu-',
  },
};
