import { createRequire } from 'node:module';
import type { Rows, StreamDeclaration } from '../drivers/contract/index.js';
import { oneRow } from '../drivers/contract/index.js';
import { type LineOut, lineOut } from './line-out.js';
import { LOG_LEVELS, type LogLevel, LogTail } from './log-tail.js';

export { LOG_LEVELS, type LogLevel } from './log-tail.js';

// By require, as yaml, level and mqtt are: Node's import of CommonJS lexes every file of it first, and 9 MB stay behind.
const { pino }: typeof import('pino') = createRequire(import.meta.url)('pino');

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

/** Where log lines go while there is a store; lines from before wait, the first `STORED_BURST` of them. */
export interface LogSink {
  attach(append: (rows: Rows) => void): void;
  /** The store is about to close: what is logged from now on goes to stdout only. */
  detach(): void;
}

/** pino to stdout, and every line from info up to the store, rate-bounded. Never throws and never waits: a log is no reason to stop. */
export function createLog(
  level: LogLevel,
  nowNs: () => bigint,
  stdout: LineOut = lineOut(1),
): { log: Log; sink: LogSink; tail: LogTail } {
  const out = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stdout);
  const stored = new StoredLines();
  const tail = new LogTail();
  const log: Log = (at, module, text) => {
    out[at]({ module }, text);
    const timeNs = nowNs();
    if (at !== 'debug' || level === 'debug') tail.take({ timeNs, level: at, module, text });
    if (at !== 'debug') stored.take(timeNs, at, module, text);
  };
  return { log, sink: stored, tail };
}

class StoredLines implements LogSink {
  #append: ((rows: Rows) => void) | undefined;
  #waiting: Rows[] | undefined = [];
  #tokens = STORED_BURST;
  #refilledNs = 0n;
  #left = 0;

  attach(append: (rows: Rows) => void): void {
    this.#append = append;
    for (const rows of this.#waiting?.splice(0) ?? []) append(rows);
    this.#waiting = undefined;
  }

  detach(): void {
    this.#append = undefined;
    this.#waiting = undefined;
  }

  take(nowNs: bigint, level: LogLevel, module: string, text: string): void {
    this.#refill(nowNs);
    const rows = [logRow(nowNs, level, module, text)];
    if (this.#left > 0) rows.unshift(logRow(nowNs, 'warn', 'log', leftOutText(this.#left)));
    if (this.#tokens < rows.length || !this.#hasRoom(rows.length)) {
      this.#left++;
      return;
    }
    this.#tokens -= rows.length;
    this.#left = 0;
    for (const row of rows) this.#emit(row);
  }

  #hasRoom(rows: number): boolean {
    return this.#waiting === undefined || this.#waiting.length + rows <= STORED_BURST;
  }

  #emit(rows: Rows): void {
    if (this.#waiting) this.#waiting.push(rows);
    else this.#append?.(rows);
  }

  #refill(nowNs: bigint): void {
    const seconds = Number(nowNs - this.#refilledNs) / 1e9;
    this.#refilledNs = nowNs;
    this.#tokens = Math.min(STORED_BURST, this.#tokens + seconds * STORED_PER_S);
  }
}

function leftOutText(lines: number): string {
  return `${lines} lines were left out: more than ${STORED_PER_S} a second, or no store yet`;
}

function logRow(nowNs: bigint, level: LogLevel, module: string, text: string): Rows {
  return oneRow('log', nowNs, [LOG_LEVELS.indexOf(level), module, text.slice(0, TEXT_MAX)]);
}
