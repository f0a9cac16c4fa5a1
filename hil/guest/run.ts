import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Follower } from '../follower.js';
import { startHost } from '../host/index.js';
import { disk, type Guest, startGuest } from '../machine/qemu.js';
import { READY } from '../marks.js';
import { say, seconds } from '../shell.js';
import type { GuestFiles } from './build.js';

export interface GuestRun {
  readonly files: GuestFiles;
  readonly work: string;
  readonly only: readonly string[];
  readonly full: boolean;
  readonly seed: number;
}

export const CONSOLE = 'console.log';
const BOOT_LIMIT_MS = 180_000;
/** Of one suite, beyond what the guest itself allows it: the guest must have hung. */
const SILENCE_LIMIT_MS = 240_000;
const FULL_SILENCE_LIMIT_MS = 1_500_000;
const MACHINE_LIMIT_MS = 6 * 3_600_000;
const POLL_MS = 250;

/** Boots the guest, runs the suites in it, and resolves to what they wrote. A guest that hangs is ended, and its console's tail said. */
export async function runInGuest({ files, work, only, full, seed }: GuestRun): Promise<string> {
  const tapFile = join(work, 'suites.tap');
  writeFileSync(tapFile, '');
  const words = [`cairn.seed=${seed}`, `cairn.only=${only.join(',')}`, ...(full ? ['cairn.full=1'] : [])];
  const host = await startHost(work, { full, seed });
  const guest = start(files, work, { file: join(work, CONSOLE) }, words, [
    ...['-device', 'virtio-serial-pci', '-chardev', `file,id=tap,path=${tapFile}`],
    ...['-device', 'virtserialport,chardev=tap,name=cairn.tap'],
    ...host.args,
  ]);
  try {
    await Promise.all([host.started(join(work, 'qmp.sock')), watch(guest, tapFile, work, full)]);
  } finally {
    guest.kill();
    await host.stop();
  }
  return readFileSync(tapFile, 'utf8');
}

export function start(
  files: GuestFiles,
  work: string,
  console: { file: string } | { socket: string },
  words: readonly string[],
  args: readonly string[],
): Guest {
  const qmp = join(work, 'qmp.sock');
  rmSync(qmp, { force: true });
  return startGuest({
    arch: files.arch,
    kernel: files.kernel,
    initrd: files.initrd,
    append: ['quiet', 'loglevel=4', 'panic=-1', ...words],
    console,
    qmp,
    args: [
      ...disk('root', files.root, { readonly: true }),
      ...disk('project', files.projectDisk, { readonly: true }),
      ...args,
    ],
    timeoutMs: MACHINE_LIMIT_MS,
  });
}

/** Tells what the suites write as it comes, and ends a guest that says nothing for too long. */
async function watch(guest: Guest, tapFile: string, work: string, full: boolean): Promise<void> {
  const follower = new Follower(tapFile);
  const bootMs = performance.now();
  let saidMs = bootMs;
  let ready = false;
  const poll = () => {
    const lines = follower.lines();
    if (lines.length > 0) saidMs = performance.now();
    const mark = lines.find((line) => line.startsWith(READY));
    if (mark !== undefined) {
      ready = true;
      say(`booted in ${seconds(saidMs - bootMs)}; slowness ${mark.slice(READY.length + 1)}`);
    }
    const limitMs = ready ? (full ? FULL_SILENCE_LIMIT_MS : SILENCE_LIMIT_MS) : BOOT_LIMIT_MS;
    if (performance.now() - saidMs < limitMs) return;
    say(
      `the guest ${ready ? 'said' : 'has not booted, and said'} nothing for ${seconds(limitMs)}; its console ends:`,
    );
    say(tailOf(join(work, CONSOLE)));
    guest.kill();
  };
  const timer = setInterval(poll, POLL_MS);
  await guest.exited.finally(() => clearInterval(timer));
  poll();
  if (!ready) say(`no suite began; the console ends:\n${tailOf(join(work, CONSOLE))}`);
}

export function tailOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
}
