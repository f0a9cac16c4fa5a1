import type { ParseArgsConfig } from 'node:util';

/** Exit codes, as docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  /** The work was done, and its answer is bad news: a part doesn't answer, the store has a hole. */
  failed: 1,
  /** The call or the configuration is wrong; nothing was done. */
  usage: 2,
  /** Somebody else holds what is needed: the node runs already. */
  busy: 3,
  /** A fault of the program itself. */
  internal: 70,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a command says and where: injected, so that a console on a serial line runs the same table. */
export interface Terminal {
  /** A line of the answer. */
  out(text: string): void;
  /** A line about the work: progress, warnings, errors. */
  err(text: string): void;
  /** A person is looking: progress may be shown. */
  readonly interactive: boolean;
}

export interface Invocation {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
  readonly terminal: Terminal;
}

export interface Command {
  /** `store status`: one or two words. */
  readonly name: string;
  readonly summary: string;
  /** What comes after the name: `<part> [--config FILE]`. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly options: NonNullable<ParseArgsConfig['options']>;
  run(call: Invocation): Promise<ExitCode>;
}

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
