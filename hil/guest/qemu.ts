import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Boot {
  readonly image: string;
  readonly initrd: string;
  readonly root: string;
  readonly work: string;
  /** Passed to the guest's kernel command line. */
  readonly words: readonly string[];
  /** The guest is ended after so long. */
  readonly timeoutMs: number;
}

export interface Booted {
  /** What the suites wrote, TAP with marks between suites. */
  readonly tap: string;
  /** Where the guest's console was kept. */
  readonly consoleFile: string;
  readonly timedOut: boolean;
}

/** Boots the guest by translation (TCG), waits until it powers off, and ends it if it does not. */
export async function boot(setup: Boot): Promise<Booted> {
  const consoleFile = join(setup.work, 'console.log');
  const tapFile = join(setup.work, 'suites.tap');
  writeFileSync(tapFile, '');
  const args = [
    ...'-accel tcg,thread=multi -M q35 -cpu max -smp 2 -m 768 -nodefaults -no-user-config'.split(' '),
    ...'-display none -no-reboot'.split(' '),
    ...['-serial', `file:${consoleFile}`, '-serial', `file:${tapFile}`],
    ...['-drive', `file=${setup.root},format=raw,if=none,id=root,readonly=on`],
    ...['-device', 'virtio-blk-pci,drive=root', '-kernel', setup.image, '-initrd', setup.initrd],
    ...['-append', ['console=ttyS0', 'quiet', 'loglevel=4', 'panic=-1', ...setup.words].join(' ')],
  ];
  const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    qemu.kill('SIGKILL');
  }, setup.timeoutMs);
  const end = () => qemu.kill('SIGKILL');
  process.once('exit', end);
  await new Promise<void>((resolve, reject) => {
    qemu.once('error', reject);
    qemu.once('exit', () => resolve());
  }).finally(() => {
    clearTimeout(timer);
    process.off('exit', end);
  });
  return { tap: readFileSync(tapFile, 'utf8'), consoleFile, timedOut };
}
