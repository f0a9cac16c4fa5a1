import { parseArgs } from 'node:util';
import { ControlError } from '../control.js';
import { version } from '../package.js';
import { type Command, CommandError, EXIT, type ExitCode, type Terminal } from './command.js';
import { answer } from './commands/answer.js';
import { check } from './commands/check.js';
import { decode } from './commands/decode.js';
import { init } from './commands/init.js';
import { login } from './commands/login.js';
import { parts } from './commands/parts.js';
import { read } from './commands/read.js';
import { run } from './commands/run.js';
import { status } from './commands/status.js';
import { storeStatus, storeVerify } from './commands/store.js';
import { storeExport } from './commands/store-export.js';

/** Every command there is: the local `cairn` and the console on the serial line run from this one table. */
export const COMMANDS: readonly Command[] = [
  init,
  run,
  check,
  parts,
  read,
  status,
  storeStatus,
  storeVerify,
  storeExport,
  decode,
  answer,
  login,
];

const COMMON_OPTIONS = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;

/** Runs one command line and says how it ended; an error that is nobody's mistake but ours keeps its stack. */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (words[0] === '--version') {
    terminal.out(version());
    return EXIT.ok;
  }
  const command = findCommand(words);
  if (!command) return unknown(words, terminal);
  try {
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
      terminal,
    });
  } catch (error) {
    return explain(error, command, terminal);
  }
}

/** The longest name that the words begin with. */
function findCommand(words: readonly string[]): Command | undefined {
  const named = [words.slice(0, 2).join(' '), words[0]];
  return named.flatMap((name) => COMMANDS.filter((command) => command.name === name))[0];
}

function unknown(words: readonly string[], terminal: Terminal): ExitCode {
  const asked = words.length === 0 || words[0] === '--help' || words[0] === '-h' || words[0] === 'help';
  const say = asked ? terminal.out : terminal.err;
  if (!asked) say(`cairn: no command '${words.join(' ')}'\n`);
  say('cairn: the runtime of a mesh node. No acknowledged reading is lost, every loss is accounted for.\n');
  for (const command of COMMANDS) say(`  cairn ${command.name.padEnd(14)} ${command.summary}`);
  say('\n  --json gives every answer as JSON; cairn <command> --help shows examples; --version');
  return asked ? EXIT.ok : EXIT.usage;
}

function help(command: Command, terminal: Terminal): ExitCode {
  terminal.out(`cairn ${command.name} ${command.usage}\n  ${command.summary}\n\nExamples:`);
  for (const example of command.examples) terminal.out(`  ${example}`);
  terminal.out(
    '\nExit codes: 0 done, 1 done with bad news, 2 wrong call or configuration, 3 held by another process, 70 our fault.',
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
    terminal.err(`${(error as Error).message}\ncairn ${command.name} ${command.usage}`);
    return EXIT.usage;
  }
  terminal.err(
    `cairn ${command.name}: a fault of the program; please report it:\n${(error as Error).stack ?? error}`,
  );
  return EXIT.internal;
}
