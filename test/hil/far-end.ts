import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { through } from '../../hil/host/damage.js';
import type { RequestInput, Said } from '../../hil/host/wire.js';
import { Pty } from '../board/pty.js';
import { byId, keepLinks } from './by-id.js';
import type { Host } from './host.js';

export type Cable = Omit<Extract<RequestInput, { do: 'say' }>, 'do' | 'line' | 'bytes'>;

/** A real tty, and whoever is at its far end. */
export interface FarEnd {
  /** The path to open: a stable one. */
  readonly device: string;
  /** Resolves to what came out of the cable, once it is on its way. */
  say(bytes: Uint8Array, cable?: Cable): Promise<Said>;
  /** All that the node wrote so far. */
  heard(): Promise<string>;
  unplug(): Promise<void>;
  plug(): Promise<void>;
  close(): Promise<void>;
}

/** A pty; socat is the far end, in the guest itself. */
export async function ptyEnd(): Promise<FarEnd> {
  const pty = await Pty.make();
  return {
    device: pty.link,
    async say(bytes, cable = {}) {
      const { bytes: heard, hits } = through(bytes, cable);
      await pty.say(heard, cable.chunk);
      return { bytes: heard.length, hits };
    },
    heard: () => pty.heard(),
    unplug: () => pty.unplug(),
    plug: () => pty.plug(),
    close: () => pty.close(),
  };
}

/** A 16550 of the machine; the host is the far end. It leaves and comes back with its kernel driver. */
export async function uartEnd(host: Host): Promise<FarEnd> {
  const uart = findUart();
  const driver = (what: 'bind' | 'unbind') => writeFileSync(join(UART_DRIVER, what), uart.slot);
  return {
    ...onHost(host, 'uart'),
    device: `/dev/${uart.tty}`,
    async unplug() {
      driver('unbind');
    },
    async plug() {
      driver('bind');
    },
    async close() {
      if (!existsSync(join(UART_DRIVER, uart.slot))) driver('bind');
      await host.ask({ do: 'reset' });
    },
  };
}

/** A USB adapter, opened by its stable id; the host is the far end, and plugs it. */
export async function usbEnd(host: Host, serial: string, line: 'usb0' | 'usb1' = 'usb0'): Promise<FarEnd> {
  const stopLinks = keepLinks();
  await host.ask({ do: 'plug', line, serial });
  return {
    ...onHost(host, line),
    device: byId(serial),
    async unplug() {
      await host.ask({ do: 'unplug', line });
    },
    async plug() {
      await host.ask({ do: 'plug', line, serial });
    },
    async close() {
      await host.ask({ do: 'reset' });
      stopLinks();
    },
  };
}

function onHost(host: Host, line: 'uart' | 'usb0' | 'usb1'): Pick<FarEnd, 'say' | 'heard'> {
  let heard = '';
  return {
    say: (bytes, cable) => host.say(line, bytes, cable),
    async heard() {
      heard += (await host.heard(line)).toString('latin1');
      return heard;
    },
  };
}

/** QEMU's pci-serial. */
const QEMU_UART = ['0x1b36', '0x0002'];

const UART_DRIVER = '/sys/bus/pci/drivers/serial';

/** Its tty and its place on the bus. */
export function findUart(): { readonly tty: string; readonly slot: string } {
  const ttys = '/sys/class/tty';
  for (const tty of readdirSync(ttys).filter((name) => name.startsWith('ttyS'))) {
    const device = realpathSync(join(ttys, tty, 'device'));
    const ids = ['vendor', 'device'].map((name) => readIfThere(join(device, name)));
    if (ids.join() === QEMU_UART.join()) return { tty, slot: basename(device) };
  }
  throw new Error('no 16550 on PCI in this machine');
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The rate that the kernel has set a tty to, as stty asks it; 0 where the tty is not there. */
export function kernelBaud(device: string): number {
  const { stdout, status } = spawnSync('stty', ['-F', device, 'speed'], { encoding: 'utf8' });
  return status === 0 ? Number(stdout.trim()) : 0;
}
