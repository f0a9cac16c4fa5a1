import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { SerialTwin, World } from '../../drivers/contract/index.js';
import { createWorld } from '../../runtime/board/index.js';
import type { RuntimeClock, Timer } from '../../runtime/clock/types.js';
import { JumpClock } from './jump-clock.js';
import { asHeardAt } from './uart.js';

const POLL_MS = 20;

/** A twin that talks at one rate, on a serial device of its own. */
export interface WiredPart {
  readonly twin: SerialTwin;
  readonly baud: number;
}

/** Stands in for npm serialport over parts: a device is heard right at the part's own rate only. Time jumps from one wait to the next. */
export function serialParts(t: TestContext, parts: Readonly<Record<string, WiredPart | undefined>>) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-serial-'));
  t.after(() => rmSync(folder, { recursive: true }));
  let opening = 0;
  const clock = new JumpClock(() => opening > 0);
  const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
  const byPath = new Map<string, WiredPart | undefined>();
  const device = (name: string) => join(folder, name);
  for (const [name, part] of Object.entries(parts)) {
    writeFileSync(device(name), '');
    byPath.set(device(name), part);
  }
  /** What was written, with the rate, in order. */
  const written: string[] = [];
  class SerialPort extends FakePort {
    constructor(options: { path: string; baudRate: number }) {
      opening--;
      const world = () => worldAt(clock.nowNs());
      super(byPath.get(options.path), options.baudRate, world, clock, written);
    }
  }
  const serialport = async () => {
    opening++;
    return { SerialPort };
  };
  return { device, written, clock, loaders: { serialport } };
}

class FakePort extends EventEmitter {
  isOpen = false;
  readonly writableLength = 0;
  #poll: Timer | undefined;

  constructor(
    private readonly part: WiredPart | undefined,
    private readonly baud: number,
    private readonly world: () => World,
    private readonly clock: RuntimeClock,
    private readonly written: string[],
  ) {
    super();
  }

  open(done: (error: Error | null) => void): void {
    this.isOpen = true;
    this.part?.twin.speak(this.world()); // what was said before nobody hears
    this.#hearLater();
    done(null);
  }

  close(done?: (error: Error | null) => void): void {
    this.#poll?.cancel();
    this.isOpen = false;
    done?.(null);
    this.emit('close', null);
  }

  drain(done: (error: Error | null) => void): void {
    done(null);
  }

  write(bytes: Buffer, done: (error: Error | null) => void): void {
    this.written.push(`${this.baud} ${JSON.stringify(bytes.toString('latin1'))}`);
    if (this.part) this.part.twin.hear(asHeardAt(bytes, this.baud, this.part.baud), this.world());
    done(null);
  }

  #hearLater(): void {
    this.#poll = this.clock.after(POLL_MS, () => {
      this.#hear();
      this.#hearLater();
    });
  }

  #hear(): void {
    if (!this.part || this.part.twin.faults.mute) return;
    const bytes = asHeardAt(this.part.twin.speak(this.world()), this.part.baud, this.baud);
    if (bytes.length > 0) this.emit('data', Buffer.from(bytes));
  }
}
