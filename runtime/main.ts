import type { Command, ExitCode, Terminal } from './console/command.js';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
};

// Whoever reads has had enough (`… | head`): nothing is wrong, and nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

/** Commands that somebody waits for, and that need none of the drivers and stages which the table loads: a fifth of the time to start. */
const LIGHT: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./console/commands/init.js')).init,
  answer: async () => (await import('./console/commands/answer.js')).answer,
  login: async () => (await import('./console/commands/login.js')).login,
};

async function run(words: readonly string[]): Promise<ExitCode> {
  const light = Object.hasOwn(LIGHT, words[0] ?? '') ? LIGHT[words[0] ?? ''] : undefined;
  if (!light) return (await import('./console/table.js')).runCommand(words, terminal);
  const [{ runOne }, command] = await Promise.all([import('./console/run-command.js'), light()]);
  return runOne(command, words, terminal);
}

process.exitCode = await run(process.argv.slice(2));
