import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What udev does for serial adapters on USB, where no udev runs: a link by the adapter's own identity under the name that udev's
 * 60-serial.rules and its built-in usb_id give it (systemd 252), kept while the adapter is there.
 */

const TTYS = '/sys/class/tty';
const LINKS = '/dev/serial/by-id';
const POLL_MS = 50;

export function byId(serial: string, vendor = 'QEMU', product = 'QEMU USB SERIAL'): string {
  return join(LINKS, `usb-${safe(vendor)}_${safe(product)}_${safe(serial)}-if00-port0`);
}

/** Keeps the links right until the returned function is called; then there are none. */
export function keepLinks(): () => void {
  mkdirSync(LINKS, { recursive: true });
  relink();
  const timer = setInterval(relink, POLL_MS);
  return () => {
    clearInterval(timer);
    for (const name of readdirSync(LINKS)) rmSync(join(LINKS, name));
  };
}

function relink(): void {
  const wanted = new Map<string, string>();
  for (const tty of readdirSync(TTYS)) {
    const name = tty.startsWith('ttyUSB') ? linkName(tty) : undefined;
    if (name !== undefined) wanted.set(name, `../../${tty}`);
  }
  for (const name of readdirSync(LINKS)) if (!wanted.has(name)) rmSync(join(LINKS, name));
  for (const [name, target] of wanted) link(join(LINKS, name), target);
}

/** Replaced in one step, as udev does: whoever opens it finds the old adapter or the new one. */
function link(path: string, target: string): void {
  try {
    if (readlinkSync(path) === target) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}

/** Undefined where the adapter leaves while it is looked at. */
function linkName(tty: string): string | undefined {
  try {
    const port = realpathSync(join(TTYS, tty, 'device'));
    const usbInterface = dirname(port);
    const adapter = dirname(usbInterface);
    const ids = ['manufacturer', 'product', 'serial'].map((name) => safe(read(adapter, name)));
    return `usb-${ids.join('_')}-if${read(usbInterface, 'bInterfaceNumber')}-port${Number(read(port, 'port_number'))}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO') return undefined;
    throw error;
  }
}

function read(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8').trim();
}

/** The characters that usb_id leaves as they are; runs of white space become one underscore. */
function safe(text: string): string {
  return text
    .trim()
    .replaceAll(/\s+/g, '_')
    .replaceAll(/[^A-Za-z0-9#+\-.:=@_]/g, '_');
}
