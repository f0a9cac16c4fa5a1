import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cannotMount, run } from '../../acceptance/load.js';

/** Long past all that a rule waits for after a boot (time.unset: ten minutes, gnss.antenna: five). */
const UP_S = 3600;
const SECTOR_BYTES = 512;
const CARD_BYTES = 32e9;
const CARD = 'sys/devices/platform/soc/mmc/block/mmcblk0';

/** Why no machine can be made here; false where one can. */
export const cannotMakeMachine: string | false = cannotMount || (canUnshare() ? false : 'no namespaces here');

function canUnshare(): boolean {
  const words = ['--mount', '--time', '--boottime', '60', 'mount', '-t', 'overlay', '-o'];
  return spawnSync('unshare', [...words, 'lowerdir=/etc:/sys', 'overlay', '/mnt']).status === 0;
}

/** What its kernel shows below /sys, as a Raspberry Pi's does (the files: drivers/node/registers.ts, runtime/machine-facts.ts). */
const SYS = {
  supply: 'class/hwmon/hwmon0/in0_lcrit_alarm',
  throttled: 'devices/platform/soc/soc:firmware/get_throttled',
  temperature: 'class/thermal/thermal_zone0/temp',
  bootStatus: 'class/watchdog/watchdog0/bootstatus',
} as const;
const WELL: Readonly<Record<keyof typeof SYS, string>> = {
  ...{ supply: '0', throttled: '0', temperature: '48000', bootStatus: '0' },
};

/**
 * A machine of this test's own on the running kernel: it booted an hour ago (a time namespace), its /sys shows a supply monitor, a
 * thermometer, a watchdog and a card, its /run and /etc are its own where a test says so (a mount namespace with overlays), and its disk is a
 * small tmpfs that /sys shows as the card. Faults are what the kernel would write there.
 */
export class Machine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cairn-machine-'));
  #holder: ChildProcess | undefined;
  #pid = 0;

  /** `diskBytes`: what its disk holds. */
  constructor(diskBytes = 64 << 20) {
    mkdirSync(this.disk);
    run('mount', '-t', 'tmpfs', '-o', `size=${diskBytes}`, 'cairn-faults', this.disk);
    this.#write('sys/class/hwmon/hwmon0/name', 'rpi_volt');
    for (const name of Object.keys(SYS) as (keyof typeof SYS)[]) this.shows(name, WELL[name]);
    this.#makeCard();
    this.#write('run/cairn/last-end', '');
    this.#write('etc/nsswitch.conf', 'hosts: files dns');
  }

  /** Where its node keeps what it keeps. */
  get disk(): string {
    return join(this.#folder, 'disk');
  }

  /** Puts these words before a command: it runs on this machine. */
  get within(): readonly string[] {
    return ['nsenter', '--target', String(this.#pid), '--mount', '--time'];
  }

  async boot(): Promise<void> {
    const overlay = (name: string) =>
      `mount -t overlay -o lowerdir=${join(this.#folder, name)}:/${name} x /${name}`;
    const script = `${['sys', 'run', 'etc'].map(overlay).join(' && ')} && echo $$ && exec sleep infinity`;
    const words = ['--mount', '--time', '--boottime', String(UP_S), 'sh', '-c', script];
    this.#holder = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(this.#holder.stdout!, 'data')) as [Buffer];
    this.#pid = Number(said.toString());
  }

  /** What the kernel says of it now. */
  shows(what: keyof typeof SYS, text: string): void {
    this.#write(`sys/${SYS[what]}`, text);
  }

  isWell(what: keyof typeof SYS): void {
    this.shows(what, WELL[what]);
  }

  /** How often its card was written in all its life, by the kernel's count. */
  hasWritten(bytes: number): void {
    this.#write(`${CARD}/stat`, `0 0 0 0 0 0 ${Math.round(bytes / SECTOR_BYTES)} 0 0 0 0 0 0 0 0 0 0`);
  }

  /** Before it boots: whom it asks for names. */
  asks(nameServer: string): void {
    this.#write('etc/resolv.conf', `nameserver ${nameServer}\noptions timeout:1 attempts:1`);
  }

  /** As the unit's ExecStopPost leaves it (install/cairn.service). */
  lastEnd(text: string): void {
    this.#write('run/cairn/last-end', text);
  }

  async remove(): Promise<void> {
    if (this.#holder) {
      const gone = once(this.#holder, 'exit');
      process.kill(this.#pid, 'SIGKILL');
      await gone;
    }
    run('umount', '-l', this.disk);
    rmSync(this.#folder, { recursive: true });
  }

  /** The disk's device number leads to it, as /sys/dev/block does (Linux Documentation/block/stat.rst). */
  #makeCard(): void {
    this.#write(`${CARD}/size`, String(CARD_BYTES / SECTOR_BYTES));
    this.hasWritten(0);
    const { dev } = statSync(this.disk);
    const links = join(this.#folder, 'sys/dev/block');
    mkdirSync(links, { recursive: true });
    // Below 2^20 minors, and tmpfs has major 0.
    symlinkSync(
      '../../devices/platform/soc/mmc/block/mmcblk0',
      join(links, `0:${(dev & 0xff) | ((dev >> 12) & ~0xff)}`),
    );
  }

  /** In place, so that what is open or cached stays the same file. */
  #write(path: string, text: string): void {
    const file = join(this.#folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }
}
