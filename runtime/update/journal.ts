import type { Log, LogLevel } from '../log.js';

/** What is said while no node is open waits for the next one's own log, so many lines of it; more go to the plain log at once. */
const WAITING_MAX = 32;

/** Says things by the log of the node that runs, which the fleet gets too; while none does, the lines wait for one. */
export class Journal {
  #log: Log | undefined;
  #waiting: (readonly [LogLevel, string, string])[] = [];

  /** `plain`: to stdout only. */
  constructor(private readonly plain: Log) {}

  readonly say: Log = (level, module, text) => {
    if (this.#log) this.#log(level, module, text);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push([level, module, text]);
    else this.plain(level, module, text);
  };

  /** A node is open. */
  attach(log: Log): void {
    this.#log = log;
    this.#flush(log);
  }

  /** It is about to close. */
  detach(): void {
    this.#log = undefined;
  }

  /** No node will open for now, or ever. */
  giveUp(): void {
    this.#flush(this.plain);
  }

  #flush(log: Log): void {
    for (const [level, module, text] of this.#waiting.splice(0)) log(level, module, text);
  }
}
