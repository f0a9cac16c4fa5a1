import type { Terminal } from '../command.js';
import { type Editor, TOO_LONG } from './editor.js';
import type { Pacer } from './pacer.js';
import type { Line } from './types.js';

/** Control characters, and what reads from right to left by force: no text moves the cursor, changes the terminal, or hides what it says. */
const UNSHOWN = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu;

/** A text as it may go to a person, wherever its words come from. */
export function plain(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(UNSHOWN, '?');
}

/** Of the session, what its commands talk through. */
export interface SessionPorts {
  readonly pacer: Pacer;
  readonly editor: Editor;
  readonly columns: number;
  readonly lend: Line['lend'];
}

/** What a command on the line talks to, until it is left behind: then it says and hears nothing more. */
export class AttendedTerminal implements Terminal {
  readonly interactive = true;
  readonly columns: number;
  readonly handOver: Terminal['handOver'];
  #isLeft = false;

  constructor(
    private readonly session: SessionPorts,
    private readonly signal: AbortSignal,
  ) {
    this.columns = session.columns;
    this.handOver = session.lend;
  }

  leave(): void {
    this.#isLeft = true;
  }

  /** Nothing after Ctrl-C: the answer isn't wanted any more. */
  readonly out = (text: string): void => {
    if (!this.signal.aborted) this.#say(text);
  };

  /** Also after Ctrl-C: what became of the work that was stopped. */
  readonly err = (text: string): void => this.#say(text);

  /** Comes back by way of the event loop, so that a command that minds no signal starves nobody; ends one that was left behind. */
  readonly drained = async (): Promise<void> => {
    await this.session.pacer.drained();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#isLeft) throw new Error('the command was left behind');
  };

  readonly ask = async (prompt: string): Promise<string | undefined> => {
    while (!this.#isLeft && !this.signal.aborted && !this.#hasLost()) {
      const typed = await this.session.editor.read({
        prompt: plain(prompt),
        signal: this.signal,
        endsByCtrlD: true,
      });
      if (typed.kind === 'line') return typed.text;
      if (typed.kind !== 'tooLong') return undefined;
      this.err(TOO_LONG);
    }
    return undefined;
  };

  /** A paste without all of its lines is none: what waits of it goes too, or it would be run as commands. */
  #hasLost(): boolean {
    const lost = this.session.editor.takeLostLines();
    if (lost === 0) return false;
    this.session.editor.forgetTypeAhead();
    this.err(lostLines(lost));
    return true;
  }

  #say(text: string): void {
    if (!this.#isLeft) this.session.pacer.write(`${plain(text)}\n`);
  }
}

export function lostLines(count: number): string {
  return `${count} lines came faster than they were worked off, and were dropped.`;
}
