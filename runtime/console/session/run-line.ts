import type { Calling, Command } from '../command.js';
import { runOne } from '../run-command.js';
import type { Session } from './session.js';
import { AttendedTerminal } from './terminal.js';

/** How long a command has to end after Ctrl-C. */
export const GRACE_MS = 200;
/** More commands than that, left behind and not ended, and no other is begun: they hold memory and buses. */
const LEFT_MAX = 4;

/** How a command ended: its exit code; undefined where it was left behind. */
export type Outcome = number | undefined;

/** Runs commands of a session, one at a time, and none longer than the person wants it to. */
export class Runner {
  #left = 0;

  constructor(
    private readonly session: Session,
    private readonly caller: Calling['caller'],
    private readonly notes: Calling['session'],
  ) {}

  /** Whether so many that were stopped have not ended that no other may begin. */
  get isFull(): boolean {
    return this.#left >= LEFT_MAX;
  }

  run(command: Command, words: readonly string[]): Promise<Outcome> {
    return this.session.during((stop) => this.#attend(command, words, stop));
  }

  async #attend(command: Command, words: readonly string[], stop: AbortController): Promise<Outcome> {
    const { session } = this;
    const { signal } = stop;
    session.onInterrupt = () => stop.abort();
    const terminal = new AttendedTerminal(session, signal);
    const work: Promise<number> = runOne(command, words, {
      ...{ terminal, caller: this.caller, signal, session: this.notes },
    });
    try {
      return await Promise.race([work, this.#graceAfter(signal)]);
    } finally {
      session.onInterrupt = () => undefined;
      terminal.leave();
      this.#count(work);
    }
  }

  /** Nothing, once a command had its time to end after the signal. */
  #graceAfter(signal: AbortSignal): Promise<undefined> {
    return new Promise((resolve) => {
      const wait = () => this.session.clock.after(GRACE_MS, () => resolve(undefined));
      if (signal.aborted) wait();
      else signal.addEventListener('abort', wait, { once: true });
    });
  }

  /** Counts it until it ends: at once, for one that has. */
  #count(work: Promise<number>): void {
    this.#left++;
    const ended = () => {
      this.#left--;
    };
    work.then(ended, ended);
  }
}
