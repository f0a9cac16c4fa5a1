import { parseArgs } from 'node:util';
import { ControlError } from '../control.js';
import {
  type Calling,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  mayCall,
  type Terminal,
} from './command.js';
import { wrapped } from './text.js';

const COMMON_OPTIONS = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

/** The command with the longest name that the words begin with. */
export function commandOf(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const named = [words.slice(0, 2).join(' '), words[0]];
  return named.flatMap((name) => commands.filter((command) => command.name === name))[0];
}

/** Runs one command by its words and says how it ended; an error that is nobody's mistake but ours keeps its stack. */
export async function runOne(
  command: Command,
  words: readonly string[],
  calling: Calling,
): Promise<ExitCode> {
  const { terminal, caller } = calling;
  try {
    if (!mayCall(command, caller))
      throw new CommandError(
        EXIT.refused,
        `${command.name} needs the role ${command.role}; yours is ${caller.role}`,
      );
    const { values, positionals } = parseArgs({
      args: words.slice(command.name.split(' ').length),
      options: { ...command.options, ...COMMON_OPTIONS },
      allowPositionals: true,
    });
    if (values.help) return help(command, terminal);
    return await command.run({
      positionals,
      options: values as Readonly<Record<string, string | boolean | undefined>>,
      json: values.json === true,
      ...calling,
    });
  } catch (error) {
    return explain(error, command, terminal);
  }
}

function help(command: Command, terminal: Terminal): ExitCode {
  terminal.out(`cairn ${command.name} ${command.usage}\n  ${command.summary}\n\nExamples:`);
  for (const example of command.examples) terminal.out(`  ${example}`);
  terminal.out(
    '\nExit codes: 0 done, 1 done with bad news, 2 wrong call or configuration, 3 held by another process, 4 not allowed, 70 our fault.',
  );
  return EXIT.ok;
}

function explain(error: unknown, command: Command, terminal: Terminal): ExitCode {
  if (error instanceof CommandError) {
    terminal.err(error.message);
    return error.exitCode;
  }
  if (error instanceof ControlError) {
    terminal.err(error.message);
    return EXIT.failed;
  }
  if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) {
    // Node's advice on how to pass what looks like an option is for programs.
    const [what = ''] = (error as Error).message.split(/\.? To specify/);
    for (const text of [what, `cairn ${command.name} ${command.usage}`])
      for (const row of wrapped(text, terminal.columns, 2)) terminal.err(row);
    return EXIT.usage;
  }
  terminal.err(
    `cairn ${command.name}: a fault of the program; please report it:\n${(error as Error).stack ?? error}`,
  );
  return EXIT.internal;
}
