import { spawn } from 'node:child_process';
import { type Command, CommandError, EXIT } from '../command.js';

export const shell: Command = {
  name: 'shell',
  topic: 'machine',
  summary: 'a shell at this line, as the user that the console runs as; exit comes back',
  usage: '',
  examples: ['cairn shell'],
  options: {},
  // It does what no command's role allows, and the journal knows only that it was there.
  role: 'owner',
  onConsole: true,
  async run({ terminal, signal }) {
    const { handOver } = terminal;
    if (!handOver)
      throw new CommandError(
        EXIT.usage,
        'a shell is for a console at a terminal; here there is none to give',
      );
    const program = process.env.SHELL || '/bin/sh';
    terminal.out(`${program}: what is done there is in no journal; exit brings you back`);
    await terminal.drained();
    await handOver(() => attended(program, signal));
    return EXIT.ok;
  },
};

/** Resolves with its exit code once it has ended; a session that is over ends it. */
function attended(program: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { stdio: 'inherit' });
    const end = () => child.kill('SIGHUP');
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    child.once('error', (cause) =>
      reject(new CommandError(EXIT.failed, `${program} can't be started: ${cause.message}`)),
    );
    child.once('exit', (code) => {
      signal.removeEventListener('abort', end);
      resolve(code ?? EXIT.failed);
    });
  });
}
