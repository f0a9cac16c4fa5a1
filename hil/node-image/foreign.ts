import { existsSync, writeFileSync } from 'node:fs';
import { type Arch, archs } from '../machine/arch.js';
import { has, run, say } from '../shell.js';

const BINFMT = '/proc/sys/fs/binfmt_misc';
/** ELF, 64 bit, little endian, executable or shared, AArch64 (elf.h: EM_AARCH64 183). */
const AARCH64 = {
  magic: '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00',
  mask: '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff',
};

/** Lets this machine run the other architecture's programs, which packages' own scripts need; throws with what to do. */
export function allowForeign(arch: Arch): void {
  if (archs[arch].nodeArch === process.arch) return;
  if (arch !== 'arm64') throw new Error(`an ${arch} image can be made on ${arch} only`);
  const emulator = '/usr/bin/qemu-aarch64-static';
  if (!has(emulator)) throw new Error(`${emulator} is missing: apt install qemu-user-static`);
  if (existsSync(`${BINFMT}/qemu-aarch64`)) return;
  try {
    if (!existsSync(`${BINFMT}/register`)) run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT]);
    say(`registering ${emulator} with binfmt_misc, until this machine's next start`);
    writeFileSync(`${BINFMT}/register`, `:qemu-aarch64:M::${AARCH64.magic}:${AARCH64.mask}:${emulator}:F`);
  } catch (cause) {
    throw new Error(
      `${BINFMT}: arm64 programs can't be made to run here (${(cause as Error).message}); make the image on an arm64 machine, or on one where root may mount binfmt_misc`,
      { cause },
    );
  }
}
