import { spawn } from 'node:child_process';
import { type Arch, archs } from './arch.js';

/** A machine to emulate. Paths are the host's. */
export interface MachineSpec {
  readonly arch: Arch;
  /** Absent: UEFI boots from the first disk that it can. */
  readonly kernel?: string;
  readonly initrd?: string;
  /** Words of the kernel's command line. Its console is the first serial port where they name none. */
  readonly append?: readonly string[];
  /** 768 when absent. */
  readonly memoryMiB?: number;
  /** The first serial port: written to a file, or spoken to through a Unix socket (and logged to `<socket>.log`). */
  readonly console: { readonly file: string } | { readonly socket: string };
  /** A Unix socket for QMP. */
  readonly qmp?: string;
  /** Whatever more the machine has: disks, ports, networks. */
  readonly args?: readonly string[];
  /** The machine is ended after so long. */
  readonly timeoutMs: number;
  /** A reset boots again; without it a reset ends the machine. */
  readonly reboot?: boolean;
}

export interface GuestEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
}

export interface Guest {
  readonly pid: number;
  readonly exited: Promise<GuestEnd>;
  /** SIGKILL: the power cut. What QEMU had written to its files stays, as on a disk whose cache is the host's. */
  kill(): void;
}

const MEMORY_MIB = 768;
/** What QEMU said last, kept for the error. */
const KEPT_STDERR = 4096;

/** Starts a machine. It never outlives `timeoutMs`, nor this process if that ends by itself. */
export function startGuest(spec: MachineSpec): Guest {
  // Killed with this process, however that ends: an orphan would write on into files of a later run.
  const words = ['--pdeathsig', 'KILL', '--', archs[spec.arch].qemu, ...argumentsOf(spec)];
  const qemu = spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = () => void qemu.kill('SIGKILL');
  process.once('exit', kill);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, spec.timeoutMs);
  let said = '';
  qemu.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_STDERR);
  });
  const exited = new Promise<GuestEnd>((resolve, reject) => {
    qemu.once('error', reject);
    qemu.once('close', (code, signal) => {
      if (code !== 0 && code !== null)
        reject(new Error(`${archs[spec.arch].qemu} ended with ${code}: ${said.trim()}`));
      else resolve({ code, signal, timedOut });
    });
  }).finally(() => {
    clearTimeout(timer);
    process.off('exit', kill);
  });
  return { pid: qemu.pid ?? 0, exited, kill };
}

function argumentsOf(spec: MachineSpec): readonly string[] {
  const { machine } = archs[spec.arch];
  const qmp = spec.qmp === undefined ? [] : ['-qmp', `unix:${spec.qmp},server=on,wait=off`];
  return [
    ...machine,
    ...['-m', String(spec.memoryMiB ?? MEMORY_MIB), '-nodefaults', '-no-user-config', '-display', 'none'],
    ...(spec.reboot ? [] : ['-no-reboot']),
    ...consoleOf(spec.console),
    ...bootOf(spec),
    ...qmp,
    ...(spec.args ?? []),
  ];
}

function bootOf({ arch, kernel, initrd, append = [] }: MachineSpec): readonly string[] {
  const { firmware, console: tty } = archs[arch];
  if (kernel === undefined) return ['-bios', firmware];
  const isNamed = append.some((word) => word.startsWith('console='));
  const words = ['-kernel', kernel, '-append', [...(isNamed ? [] : [`console=${tty}`]), ...append].join(' ')];
  return initrd === undefined ? words : [...words, '-initrd', initrd];
}

function consoleOf(tty: MachineSpec['console']): readonly string[] {
  if ('file' in tty) return ['-serial', `file:${tty.file}`];
  const socket = `socket,id=console,path=${tty.socket},server=on,wait=off,logfile=${tty.socket}.log`;
  return ['-chardev', socket, '-serial', 'chardev:console'];
}

/** A raw disk on virtio. The guest finds it by `serial` under /dev/disk/by-id/virtio-<serial>. */
export function disk(
  id: string,
  file: string,
  options: { readonly readonly?: boolean; readonly serial?: string } = {},
): readonly string[] {
  const readonly = options.readonly ? ',readonly=on' : '';
  const serial = options.serial === undefined ? '' : `,serial=${options.serial}`;
  return [
    ...['-drive', `file=${file},format=raw,if=none,id=${id}${readonly}`],
    ...['-device', `virtio-blk-pci,drive=${id}${serial}`],
  ];
}
