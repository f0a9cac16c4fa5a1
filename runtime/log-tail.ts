import { LOG_LEVELS, type LogLevel } from '../wire/index.js';
import { type Heard, Tap } from './tap.js';

export { LOG_LEVELS, type LogLevel };

/** Lines that are kept for whoever comes after they were said. */
const KEPT = 200;
/** Lines that wait for a listener on a slow line. */
const QUEUE_MAX = 256;

export interface LoggedLine {
  /** CLOCK_BOOTTIME ns. */
  readonly timeNs: bigint;
  readonly level: LogLevel;
  readonly module: string;
  readonly text: string;
}

/** The newest lines of the log in memory, and those that come. */
export class LogTail {
  readonly #kept: LoggedLine[] = [];
  readonly #tap = new Tap<LoggedLine>(QUEUE_MAX);

  take(line: LoggedLine): void {
    if (this.#kept.push(line) > KEPT) this.#kept.shift();
    this.#tap.push(line);
  }

  /** Oldest first. */
  recent(): readonly LoggedLine[] {
    return [...this.#kept];
  }

  follow(isWanted?: (item: LoggedLine) => boolean): AsyncIterableIterator<Heard<LoggedLine>> {
    return this.#tap.follow(isWanted);
  }
}
