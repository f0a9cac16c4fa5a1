import { createRequire } from 'node:module';
import type { Rows, StreamDeclaration } from '../drivers/contract/index.js';
import { oneRow } from '../drivers/contract/index.js';

// By require, as yaml, level and mqtt are: Node's import of CommonJS lexes every file of it first, and 9 MB stay behind.
const { pino }: typeof import('pino') = createRequire(import.meta.url)('pino');

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Log = (level: LogLevel, module: string, text: string) => void;

/** The runtime's own log as a stream, so that it survives an outage like readings. */
export const LOG_STREAM: StreamDeclaration = {
  name: 'log',
  class: 'log',
  channels: [
    { name: 'level', quantity: 'state', type: { kind: 'enum', labels: LOG_LEVELS } },
    { name: 'module', quantity: 'text', type: { kind: 'utf8' } },
    { name: 'text', quantity: 'text', type: { kind: 'utf8' } },
  ],
};

/** Lines that go into the store: a burst at once, then so many a second; the rest are counted and said so in one line. */
const STORED_BURST = 100;
const STORED_PER_S = 5;
const TEXT_MAX = 1000;

/** Where log lines go once there is a store; lines from before wait, at most `STORED_BURST`. */
export interface LogSink {
  attach(append: (rows: Rows) => void): void;
}

/** pino to stdout, and every line from info up to the store, rate-bounded. */
export function createLog(level: LogLevel, nowNs: () => bigint): { log: Log; sink: LogSink } {
  const out = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 1, sync: true }),
  );
  const stored = new StoredLines();
  const log: Log = (at, module, text) => {
    out[at]({ module }, text);
    if (at !== 'debug') stored.take(nowNs(), at, module, text);
  };
  return { log, sink: stored };
}

class StoredLines implements LogSink {
  #append: ((rows: Rows) => void) | undefined;
  #waiting: Rows[] = [];
  #tokens = STORED_BURST;
  #refilledNs = 0n;
  #left = 0;

  attach(append: (rows: Rows) => void): void {
    this.#append = append;
    for (const rows of this.#waiting.splice(0)) append(rows);
  }

  take(nowNs: bigint, level: LogLevel, module: string, text: string): void {
    this.#refill(nowNs);
    if (this.#tokens < 1) {
      this.#left++;
      return;
    }
    this.#tokens--;
    if (this.#left > 0) {
      this.#emit(
        logRow(nowNs, 'warn', 'log', `${this.#left} lines were left out: more than ${STORED_PER_S} a second`),
      );
      this.#left = 0;
    }
    this.#emit(logRow(nowNs, level, module, text));
  }

  #emit(rows: Rows): void {
    if (this.#append) this.#append(rows);
    else if (this.#waiting.length < STORED_BURST) this.#waiting.push(rows);
    else this.#left++;
  }

  #refill(nowNs: bigint): void {
    const seconds = Number(nowNs - this.#refilledNs) / 1e9;
    this.#refilledNs = nowNs;
    this.#tokens = Math.min(STORED_BURST, this.#tokens + seconds * STORED_PER_S);
  }
}

function logRow(nowNs: bigint, level: LogLevel, module: string, text: string): Rows {
  return oneRow('log', nowNs, [LOG_LEVELS.indexOf(level), module, text.slice(0, TEXT_MAX)]);
}
