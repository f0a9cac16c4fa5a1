import type { ExitCode, Terminal } from './console/command.js';

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

/** Whoever stands at a serial line waits for the login: it loads none of the drivers and stages that the table does. */
async function run(words: readonly string[]): Promise<ExitCode> {
  if (words[0] !== 'login') return (await import('./console/table.js')).runCommand(words, terminal);
  const [{ runOne }, { login }] = await Promise.all([
    import('./console/run-command.js'),
    import('./console/commands/login.js'),
  ]);
  return runOne(login, words, terminal);
}

process.exitCode = await run(process.argv.slice(2));
