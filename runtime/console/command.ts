import type { ParseArgsConfig } from 'node:util';
import type { Cause } from '../health/index.js';

/** Exit codes, as docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  /** The work was done, and its answer is bad news: a part doesn't answer, the store has a hole. */
  failed: 1,
  /** The call or the configuration is wrong; nothing was done. */
  usage: 2,
  /** Somebody else holds what is needed: the node runs already. */
  busy: 3,
  /** The caller's role is not enough; nothing was done. */
  refused: 4,
  /** A fault of the program itself. */
  internal: 70,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Each may do what those before it may: look; mend and prove; and what only who answers for the node may. */
export const ROLES = ['viewer', 'technician', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Who calls: in every record of what was done. */
export interface Caller {
  readonly role: Role;
  /** As the grant names them; `local` for whoever has a shell on the machine. */
  readonly name: string;
}

/** What a command says and where: injected, so that a console on a serial line runs the same table. */
export interface Terminal {
  /** A line of the answer. */
  out(text: string): void;
  /** A line about the work: progress, warnings, errors. */
  err(text: string): void;
  /** A person is looking: progress may be shown. */
  readonly interactive: boolean;
  /** Characters that a line has. */
  readonly columns: number;
  /** Once what was said is on the line: what says much waits for it, screen by screen, so that an interruption is felt at once. */
  drained(): Promise<void>;
  /** One line typed, without its end, 1,024 characters at most; undefined where none comes: interrupted, hung up, at the end of a file. */
  ask(prompt: string): Promise<string | undefined>;
  /** The terminal itself, for another program, until `work` is done; absent where nobody could give it. Resolves with what `work` does. */
  readonly handOver?: ((work: () => Promise<number>) => Promise<number>) | undefined;
}

/** What was wrong when somebody asked, and when that was. */
export interface Found {
  /** CLOCK_BOOTTIME of this boot. */
  readonly bootNs: bigint;
  readonly causes: readonly Cause[];
}

/** What a session on a line remembers for its commands. */
export interface SessionNotes {
  /** The console's own: where its files are. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /** The folder of the line's journal. */
  readonly journal: string;
  /** When somebody got in, CLOCK_BOOTTIME of this boot. */
  readonly beganNs: bigint;
  /** Has the node sign the journal's end; false where none does. Never rejects. */
  seal(): Promise<boolean>;
  /** What the first look of the session found: whoever looks leaves it here. */
  found?: Found;
}

export interface Invocation {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly caller: Caller;
  /** Ctrl-C, a line that hung up, an idle session: the work ends within 200 ms. */
  readonly signal: AbortSignal;
  /** Absent from a shell. */
  readonly session?: SessionNotes | undefined;
}

/** What a command is for, in the order that a visit takes. */
export const TOPICS = ['look', 'wiring', 'mend', 'prove', 'store', 'machine', 'people'] as const;
export type Topic = (typeof TOPICS)[number];

export interface Command {
  /** `store status`: one or two words. */
  readonly name: string;
  readonly topic: Topic;
  readonly summary: string;
  /** What comes after the name: `<part> [--config FILE]`. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** The least that may call it. */
  readonly role: Role;
  /** False: only from a shell, not on the console (it would be the console itself, or runs for ever). */
  readonly onConsole: boolean;
  run(call: Invocation): Promise<ExitCode>;
}

/** How a command is called: all but its words. */
export type Calling = Pick<Invocation, 'terminal' | 'caller' | 'signal' | 'session'>;

/** An error whose text is the whole answer: shown without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
  ) {
    super(message);
  }
}

export const CONFIG_OPTION = { config: { type: 'string', short: 'c' } } as const;

/** Whoever has a shell on the machine may do what the machine lets them. */
export const LOCAL: Caller = { role: 'owner', name: 'local' };

export function mayCall(command: Command, { role }: Caller): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(command.role);
}

/** The first look of a session counts: what a technician came to. */
export function noteFound(
  { session }: Pick<Invocation, 'session'>,
  bootNs: bigint,
  causes: readonly Cause[],
): void {
  if (session) session.found ??= { bootNs, causes };
}
