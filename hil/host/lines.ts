import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Qmp } from '../machine/qmp.js';
import { Chardev } from './chardev.js';
import { through } from './damage.js';
import { startTwin } from './live-twin.js';
import type { Cable, Line, Said } from './wire.js';

const UNPLUG_TIMEOUT_MS = 10_000;
/**
 * QEMU's 16550 has no rate, and hands a guest more than its tty buffer holds; a real one at 115,200 baud says 11,520 bytes a second. So many
 * go at once, and no sooner than that after the last.
 */
const UART_PIECE_BYTES = 400;
const UART_PIECE_MS = 20;
const USB_LINES: readonly Line[] = ['usb0', 'usb1'];
const LINES: readonly Line[] = ['uart', ...USB_LINES];

/** The serial lines of a machine: a 16550 on PCI, and two places for USB adapters. Only these of them leave by QMP. */
export class SerialLines {
  readonly #chardevs: Readonly<Record<Line, Chardev>>;
  readonly #plugged = new Set<Line>();
  readonly #twins = new Map<Line, () => void>();
  #qmp: Qmp | undefined;

  constructor(work: string) {
    const chardev = (line: Line) => new Chardev(join(work, `${line}.sock`));
    this.#chardevs = { uart: chardev('uart'), usb0: chardev('usb0'), usb1: chardev('usb1') };
  }

  get args(): readonly string[] {
    const chardevs = LINES.flatMap((line) => [
      '-chardev',
      `socket,id=${line},path=${this.#chardevs[line].path},server=on,wait=off`,
    ]);
    return [...chardevs, '-device', 'pci-serial,chardev=uart', '-device', 'qemu-xhci,id=xhci'];
  }

  async start(qmp: Qmp): Promise<void> {
    this.#qmp = qmp;
    await this.#chardevs.uart.connect();
  }

  /** Whatever is being said fails at once, also where the guest does not read. */
  cut(): void {
    for (const line of LINES) {
      this.silence(line);
      this.#chardevs[line].disconnect();
    }
  }

  async reset(): Promise<void> {
    this.cut();
    for (const line of this.#plugged) await this.unplug(line);
    await this.#chardevs.uart.connect();
  }

  /** Through the cable, in chunks; a part that is unplugged meanwhile fails it. */
  async say(line: Line, bytes: Uint8Array, cable: Cable): Promise<Said> {
    const isUart = line === 'uart';
    const chunk = isUart ? Math.min(cable.chunk, UART_PIECE_BYTES) : cable.chunk;
    const pauseMs =
      isUart && chunk === UART_PIECE_BYTES ? Math.max(cable.pauseMs, UART_PIECE_MS) : cable.pauseMs;
    const { bytes: heard, hits } = through(bytes, cable);
    for (let at = 0; at < heard.length; at += chunk) {
      await this.#chardevs[line].say(heard.subarray(at, at + chunk));
      if (pauseMs > 0 && at + chunk < heard.length) await sleep(pauseMs);
    }
    return { bytes: heard.length, hits };
  }

  heard(line: Line): Buffer {
    return this.#chardevs[line].takeHeard();
  }

  twin(line: Line, part: string, seed: number): void {
    this.silence(line);
    this.#twins.set(line, startTwin(this.#chardevs[line], part, seed));
  }

  silence(line: Line): void {
    this.#twins.get(line)?.();
    this.#twins.delete(line);
  }

  async break(line: Line): Promise<void> {
    await this.#machine().execute('chardev-send-break', { id: line });
  }

  /** QEMU's usb-serial is an FT232 (0403:6001); it is there while its chardev is connected. */
  async plug(line: Line, serial: string): Promise<void> {
    if (!USB_LINES.includes(line)) throw new Error(`${line} is soldered on`);
    if (this.#plugged.has(line)) throw new Error(`${line} is plugged in already`);
    await this.#chardevs[line].connect();
    const device = { driver: 'usb-serial', id: line, bus: 'xhci.0', chardev: line, serial };
    await this.#machine().execute('device_add', device);
    this.#plugged.add(line);
  }

  async unplug(line: Line): Promise<void> {
    if (!this.#plugged.delete(line)) throw new Error(`${line} is not plugged in`);
    const gone = this.#machine().waitFor('DEVICE_DELETED', UNPLUG_TIMEOUT_MS);
    await this.#machine().execute('device_del', { id: line });
    await gone;
    this.#chardevs[line].disconnect();
  }

  #machine(): Qmp {
    if (!this.#qmp) throw new Error('the machine has not started');
    return this.#qmp;
  }
}
