import { type Caller, type Command, mayCall, type SessionNotes } from '../command.js';
import { commandOf } from '../run-command.js';
import { completerOf } from './complete.js';
import { TOO_LONG } from './editor.js';
import { helpLines, topicOf } from './help.js';
import { History } from './history.js';
import { Idle } from './idle.js';
import { nearest } from './nearest.js';
import { type Outcome, Runner } from './run-line.js';
import type { Session } from './session.js';
import { lostLines } from './terminal.js';
import type { CommandRecord, SessionEnd } from './types.js';
import { WordsError, wordsOf } from './words.js';

export interface ReplOptions {
  readonly session: Session;
  readonly caller: Caller;
  /** The whole table; what isn't for the console is left out here. */
  readonly commands: readonly Command[];
  readonly nodeName: string;
  /** What arguments may be called: parts, streams. Asked at each Tab. */
  readonly names: () => readonly string[];
  /** May throw: then it is said, and the command runs all the same. */
  readonly onCommand: (record: CommandRecord) => void;
  readonly idleMs: number;
  /** For its commands. */
  readonly notes?: SessionNotes;
}

/** While a command runs nobody need type: a long answer isn't cut off. But whoever leaves with one running leaves no open console either. */
const RUNNING_IDLE_MS = 3_600_000;

/** What leaves is typed in whole, and alone: noise of a line that held `e`, a Tab and an Enter ended sessions. */
const EXIT = 'exit';
const COMPLETED = ['help'];
const BUILT_INS = [EXIT, ...COMPLETED];

/** What an exit code says, in a few words. */
const CODES: Readonly<Record<number, string>> = {
  1: 'done, with bad news',
  2: 'wrong call or configuration, nothing was done',
  3: 'held by another process',
  4: 'not allowed',
  70: 'a fault of the program',
};

/** Reads lines and runs them as commands until the session is over; says why it is. */
export class Repl {
  readonly #history = new History();
  readonly #runner: Runner;
  readonly #idle: Idle;
  readonly #commands: readonly Command[];

  constructor(private readonly options: ReplOptions) {
    const { session, caller, idleMs } = options;
    this.#commands = options.commands.filter((command) => command.onConsole && mayCall(command, caller));
    this.#runner = new Runner(session, caller, options.notes);
    this.#idle = new Idle({
      clock: session.clock,
      idleMs,
      onWarning: (leftMs) =>
        session.editor.interject(
          `Nothing typed: the session ends in ${Math.round(leftMs / 1000)} s. Press Enter to stay.`,
        ),
      onIdle: () => session.end('idle'),
    });
  }

  async run(): Promise<SessionEnd> {
    const { session, caller, nodeName, names } = this.options;
    const reading = {
      prompt: `${nodeName} ${caller.role}> `,
      signal: session.signal,
      history: this.#history,
      complete: completerOf(this.#commands, COMPLETED, names),
    };
    this.#idle.touch();
    while (!session.ended) {
      this.#sayLost();
      const typed = await session.editor.read(reading);
      if (typed.kind === 'line') await this.#line(typed.text);
      else if (typed.kind === 'tooLong') session.say(TOO_LONG);
      // All that a pipe brought is worked off.
      else if (typed.kind === 'ended') session.end('exit');
      // What was said is on the line before the next line is looked at: answers never pile up.
      await session.drained();
    }
    this.#idle.stop();
    return session.ended;
  }

  #sayLost(): void {
    const lost = this.options.session.editor.takeLostLines();
    if (lost > 0) this.options.session.say(lostLines(lost));
  }

  async #line(text: string): Promise<void> {
    const words = this.#words(text);
    if (!words) return;
    const [first] = words;
    // Only what somebody means keeps the session: a neighbour on the line chatters for ever.
    const command = commandOf(this.options.commands, words);
    const isKnown = command?.onConsole || first === undefined || BUILT_INS.includes(first);
    if (!isKnown) return this.#unknown(words, command, text);
    this.#idle.touch();
    this.#history.add(text);
    if (command) await this.#command(command, words, text);
    else if (first === EXIT) this.#exit(words);
    else if (first === 'help') this.#help(words.slice(1));
  }

  /** Undefined where the line is not whole, which is said. `cairn` in front is what examples have. */
  #words(text: string): readonly string[] | undefined {
    try {
      const words = wordsOf(text);
      return words[0] === 'cairn' ? words.slice(1) : words;
    } catch (error) {
      if (!(error instanceof WordsError)) throw error;
      this.#history.add(text);
      this.options.session.say(error.message);
      return undefined;
    }
  }

  /** What was typed after it goes: it was meant for what isn't there, or it is noise. */
  #unknown(words: readonly string[], command: Command | undefined, line: string): void {
    const { session } = this.options;
    session.editor.forgetTypeAhead();
    const [word = ''] = words;
    if (command) {
      session.say(`${command.name} runs from a shell only, not on the console.`);
      return;
    }
    const near = nearest(words.slice(0, 2).join(' '), this.#names()) ?? nearest(word, this.#names());
    // What is nearly a name is a slip, to be brought back and mended; noise is not kept.
    if (near) this.#history.add(line);
    const shown = word.length > 20 ? `${word.slice(0, 20)}…` : word;
    session.say(`No command '${shown}'. ${near ? `Did you mean '${near}'?` : "'help' lists them."}`);
  }

  #names(): readonly string[] {
    return [...this.#commands.map(({ name }) => name), ...BUILT_INS];
  }

  #exit(words: readonly string[]): void {
    const { session } = this.options;
    if (words.length === 1) session.end('exit');
    else session.say(`'${EXIT}' stands alone on its line: the session goes on.`);
  }

  #help(words: readonly string[]): void {
    const { session } = this.options;
    const asked = commandOf(this.#commands, words) ?? topicOf(words);
    if (words.length > 0 && !asked) this.#unknown(words, undefined, `help ${words.join(' ')}`);
    else session.say(helpLines(this.#commands, asked, session.columns).join('\n'));
  }

  async #command(command: Command, words: readonly string[], line: string): Promise<void> {
    const { session, caller } = this.options;
    if (this.#runner.isFull) {
      session.say(
        "Commands that were stopped have not ended yet: no other is begun. 'exit' and log in again.",
      );
      return;
    }
    this.#record({ event: 'begin', line, caller });
    const beginNs = session.clock.nowNs();
    const busyMs = Math.max(RUNNING_IDLE_MS, this.options.idleMs);
    this.#idle.touch(busyMs);
    session.onEnter = () => this.#idle.touch(busyMs);
    const exitCode = await this.#runner.run(command, words);
    session.onEnter = () => undefined;
    this.#idle.touch();
    const ms = Math.round(Number(session.clock.nowNs() - beginNs) / 1e6);
    this.#record({ event: 'end', line, caller, ms, ...(exitCode !== undefined && { exitCode }) });
    this.#sayOutcome(command, exitCode);
  }

  #sayOutcome(command: Command, outcome: Outcome): void {
    const { session } = this.options;
    if (outcome === undefined) {
      // What it said while it was being stopped is not waited for.
      session.pacer.drop();
      session.pacer.freshRow();
      session.say(`${command.name} did not end when it was stopped, and is left behind.`);
    } else if (outcome !== 0) session.say(`(exit ${outcome}: ${CODES[outcome] ?? 'see its help'})`);
  }

  #record(record: CommandRecord): void {
    try {
      this.options.onCommand(record);
    } catch (error) {
      this.options.session.say(`The journal can't be written: ${(error as Error).message}`);
    }
  }
}
