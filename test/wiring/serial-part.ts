import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { SerialTwin, World } from '../../drivers/contract/index.js';
import { createWorld } from '../../runtime/board/index.js';
import type { RuntimeClock } from '../../runtime/clock/types.js';
import { realClock } from '../board/fixture.js';
import { asHeardAt } from './uart.js';

/** So much faster than real: listening at all rates takes 20 s. */
const FASTER = 25;
const POLL_MS = 2;

/** A clock whose seconds are short. */
export const fastClock: RuntimeClock = {
  nowNs: () => realClock.nowNs() * BigInt(FASTER),
  delay: (ms) => realClock.delay(ms / FASTER),
  after: (ms, callback) => realClock.after(ms / FASTER, callback),
};

/** A twin that talks at one rate, on a serial device of its own. */
export interface WiredPart {
  readonly twin: SerialTwin;
  readonly baud: number;
}

/** Stands in for npm serialport over parts: a device is heard right at the part's own rate only. */
export function serialParts(t: TestContext, parts: Readonly<Record<string, WiredPart | undefined>>) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-serial-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const worldAt = createWorld(1, 1_750_000_000_000_000_000n);
  const world = () => worldAt(fastClock.nowNs());
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
      super(byPath.get(options.path), options.baudRate, world, written);
    }
  }
  return { device, written, loaders: { serialport: async () => ({ SerialPort }) } };
}

class FakePort extends EventEmitter {
  isOpen = false;
  readonly writableLength = 0;
  #poll: NodeJS.Timeout | undefined;

  constructor(
    private readonly part: WiredPart | undefined,
    private readonly baud: number,
    private readonly world: () => World,
    private readonly written: string[],
  ) {
    super();
  }

  open(done: (error: Error | null) => void): void {
    this.isOpen = true;
    this.part?.twin.speak(this.world()); // what was said before nobody hears
    this.#poll = setInterval(() => this.#hear(), POLL_MS);
    done(null);
  }

  close(done?: (error: Error | null) => void): void {
    clearInterval(this.#poll);
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

  #hear(): void {
    if (!this.part || this.part.twin.faults.mute) return;
    const bytes = asHeardAt(this.part.twin.speak(this.world()), this.part.baud, this.baud);
    if (bytes.length > 0) this.emit('data', Buffer.from(bytes));
  }
}
