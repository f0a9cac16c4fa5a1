// A session without a log-in, over commands of a test, on the terminal that is this process's standard input.
// Arguments: baud, idle in ms.
import type { Command } from '../../../runtime/console/command.js';
import { openLine, Repl, Session, systemTime } from '../../../runtime/console/session/index.js';

const [baud, idleMs] = process.argv.slice(2).map(Number);

function command(name: string, run: Command['run']): Command {
  return {
    ...{ name, run, topic: 'look', summary: '', usage: '', examples: [], options: {}, role: 'viewer' },
    onConsole: true,
  };
}

const commands = [
  command('say', async ({ positionals, terminal }) => {
    terminal.out(positionals.join(' '));
    return 0;
  }),
  // 100 kB at once: nothing that minds the line's speed.
  command('flood', async ({ terminal }) => {
    for (let i = 0; i < 2000; i++) terminal.out(`${i} `.padEnd(50, '.'));
    await terminal.drained();
    return 0;
  }),
  command('hang', () => new Promise(() => undefined)),
  command('loose', async () => {
    setTimeout(() => {
      throw new Error('let loose');
    }, 10);
    return 0;
  }),
];

const opened = openLine(baud);
const session = new Session({ line: opened.line, clock: systemTime });
session.guard();
const why = await new Repl({
  ...{ session, commands, caller: { role: 'viewer', name: 'test' }, nodeName: 'rig', names: () => [] },
  ...{ onCommand: () => undefined, idleMs: idleMs! },
}).run();
session.say(`over: ${why}`);
await session.close();
opened.close();
process.exit(0);
