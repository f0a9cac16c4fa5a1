import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Follower } from '../follower.js';
import { startHost } from '../host/index.js';
import { disk, type Guest, startGuest } from '../machine/qemu.js';
import { READY, timeMark } from '../marks.js';
import { say, seconds } from '../shell.js';
import type { GuestFiles } from './build.js';

export interface GuestRun {
  readonly files: GuestFiles;
  readonly work: string;
  readonly tapFile: string;
  readonly only: readonly string[];
  readonly full: boolean;
  readonly seed: number;
}

export const CONSOLE = 'console.log';
const BOOT_LIMIT_MS = 300_000;
/** Beyond what the guest itself allows a suite: then the guest hangs. */
const SILENCE_MARGIN_MS = 60_000;
const MACHINE_LIMIT_MS = 6 * 3_600_000;
const POLL_MS = 250;

/** Boots the guest and runs the suites in it; what they write goes to `tapFile`. A guest that hangs is ended, and its console's tail said. */
export async function runInGuest({ files, work, tapFile, only, full, seed }: GuestRun): Promise<void> {
  const words = [`cairn.seed=${seed}`, `cairn.only=${only.join(',')}`, ...(full ? ['cairn.full=1'] : [])];
  const host = await startHost(work, { full, seed });
  const guest = start(files, work, { file: join(work, CONSOLE) }, words, [
    ...['-device', 'virtio-serial-pci', '-chardev', `file,id=tap,path=${tapFile},append=on`],
    ...['-device', 'virtserialport,chardev=tap,name=cairn.tap'],
    ...host.args,
  ]);
  try {
    await Promise.all([host.started(join(work, 'qmp.sock')), watch(guest, tapFile, work)]);
  } finally {
    guest.kill();
    await host.stop();
  }
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
async function watch(guest: Guest, tapFile: string, work: string): Promise<void> {
  const follower = new Follower(tapFile);
  const bootMs = performance.now();
  let saidMs = bootMs;
  let limitMs = BOOT_LIMIT_MS;
  const poll = () => {
    const lines = follower.lines();
    if (lines.length > 0) saidMs = performance.now();
    const ready = lines.find((line) => line.startsWith(READY));
    if (ready !== undefined) {
      const [slowness, suiteMs] = ready.slice(READY.length + 1).split(' ');
      limitMs = Number(suiteMs) + SILENCE_MARGIN_MS;
      appendFileSync(tapFile, timeMark('booted in', saidMs - bootMs));
      say(`booted in ${seconds(saidMs - bootMs)}; ${slowness} times slower than an idle machine`);
    }
    if (performance.now() - saidMs < limitMs) return;
    say(`the guest said nothing for ${seconds(limitMs)} and is ended; its console ends:`);
    say(tailOf(join(work, CONSOLE)));
    guest.kill();
  };
  const timer = setInterval(poll, POLL_MS);
  await guest.exited.finally(() => clearInterval(timer));
  poll();
  if (limitMs === BOOT_LIMIT_MS) say(`no suite began; the console ends:\n${tailOf(join(work, CONSOLE))}`);
}

export function tailOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
}
