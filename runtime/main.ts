import { once } from 'node:events';
import { type Calling, type Command, type ExitCode, LOCAL, type Terminal } from './console/command.js';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
  columns: process.stdout.columns ?? 80,
  drained: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  },
  ask: askHere,
};

/** A signal ends the process: nobody needs to be told. */
const calling: Calling = { terminal, caller: LOCAL, signal: new AbortController().signal };

const LINE_MAX = 1024;

/** One reader for the whole process: a second one would miss what the first took in along with its line. */
let typed: { readonly lines: AsyncIterator<string>; close(): void } | undefined;

async function askHere(prompt: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline');
  if (!typed) {
    const input = createInterface({ input: process.stdin, terminal: false });
    typed = { lines: input[Symbol.asyncIterator](), close: () => input.close() };
  }
  process.stderr.write(prompt);
  const { value, done } = await typed.lines.next();
  return done ? undefined : String(value).slice(0, LINE_MAX);
}

// Whoever reads has had enough (`… | head`): nothing is wrong, and nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

/** Commands that somebody waits for, and that need none of the drivers and stages which the table loads: a fifth of the time to start. */
const LIGHT: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./console/commands/init.js')).init,
  answer: async () => (await import('./console/commands/answer.js')).answer,
  console: async () =>
    (await import('./console/commands/console.js')).consoleCommand(
      async () => (await import('./console/table.js')).COMMANDS,
    ),
};

async function run(words: readonly string[]): Promise<ExitCode> {
  const light = Object.hasOwn(LIGHT, words[0] ?? '') ? LIGHT[words[0] ?? ''] : undefined;
  if (!light) return (await import('./console/table.js')).runCommand(words, calling);
  const [{ runOne }, command] = await Promise.all([import('./console/run-command.js'), light()]);
  return runOne(command, words, calling);
}

process.exitCode = await run(process.argv.slice(2));
typed?.close();
