import * as v from 'valibot';
import type { I2cTwin, Twin } from '../../drivers/contract/index.js';
import { type I2cTwinFaults, noI2cFaults } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import type { BoardDeps, LogLevel } from '../../runtime/board/deps.js';
import type { RuntimeClock } from '../../runtime/clock/types.js';
import type { AttachmentConfig, NodeConfig, PartConfig } from '../../runtime/config/types.js';

/** A part that is a plain memory of 256 registers: the pointer is set by a write and moves on with every byte. */
export class MemoryTwin implements I2cTwin {
  readonly attachment = 'i2c';
  readonly faults: I2cTwinFaults = noI2cFaults();
  readonly memory = new Uint8Array(256);
  /** Every transfer seen, as text: the order that the bus made of the calls. */
  readonly seen: string[] = [];
  #pointer = 0;

  write(bytes: Uint8Array): void {
    this.seen.push(`w${Buffer.from(bytes).toString('hex')}`);
    this.#pointer = bytes[0]!;
    for (const byte of bytes.subarray(1)) this.memory[this.#pointer++ & 0xff] = byte;
  }

  read(length: number): Uint8Array {
    this.seen.push(`r${length}`);
    const bytes = Uint8Array.from({ length }, (_, i) => this.memory[(this.#pointer + i) & 0xff]!);
    this.#pointer = (this.#pointer + length) & 0xff;
    return bytes;
  }

  powerCycle(): void {
    this.memory.fill(0);
    this.#pointer = 0;
  }
}

/** Park and Miller's minimal standard generator: the same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = (seed % 2147483646) + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state - 1) / 2147483646;
  };
}

/** Node's timers fire up to a millisecond early by CLOCK_BOOTTIME; the contract says "at least". */
const EARLY_MS = 1;

export const realClock: RuntimeClock = {
  nowNs: () => native.bootTimeNs(),
  delay: (ms) => new Promise<void>((resolve) => setTimeout(resolve, ms + EARLY_MS)),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms + EARLY_MS);
    return { cancel: () => clearTimeout(timer) };
  },
};

export interface TestDeps extends BoardDeps {
  readonly lines: string[];
  readonly twins: Map<string, Twin>;
}

/** Real time, the real add-on, and a log and twins that a test can look at. */
export function testDeps(more: Partial<BoardDeps> = {}): TestDeps {
  const lines: string[] = [];
  const twins = new Map<string, Twin>();
  return {
    clock: realClock,
    native,
    random: seeded(1),
    log: (level: LogLevel, text: string) => lines.push(`${level} ${text}`),
    onTwin: (id, twin) => twins.set(id, twin),
    lines,
    twins,
    ...more,
  };
}

export function partConfig(
  id: string,
  driver: PartConfig['driver'],
  attachment: AttachmentConfig,
  options: object = {},
): PartConfig {
  const place = { file: 'test', line: 1, column: 1 };
  return { id, title: id, driver, attachment, options: v.parse(driver.options, options), keep: true, place };
}

/** A twin board with these parts; buses, ports and lines are those that the parts name. */
export function nodeConfig(
  parts: readonly PartConfig[],
  board: Partial<NodeConfig['board']> = {},
): NodeConfig {
  const i2c: Record<string, NodeConfig['board']['i2c'][string]> = {};
  for (const { attachment } of parts) {
    if (attachment.kind === 'i2c') i2c[attachment.bus] = { pins: [], timeoutMs: 100 };
  }
  return {
    name: 'test',
    identityPath: '/nonexistent',
    parts,
    board: {
      name: 'twin',
      title: 'twin',
      kind: 'twin',
      i2c,
      serial: {},
      gpio: {},
      gpioBackend: 'auto',
      ...board,
    },
    store: {
      path: '/nonexistent',
      sizeBytes: 1,
      quotaPercent: { alarm: 0, event: 0, telemetry: 0, bulk: 0, log: 0 },
      commitIntervalMs: 1000,
      reserveAheadMs: 1000,
      memoryBytes: 1,
    },
    logLevel: 'info',
  };
}
