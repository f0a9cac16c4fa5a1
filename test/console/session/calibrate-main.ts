// A session without a log-in that has the one command, on the terminal that is this process's standard input. Argument: baud.
import { calibrate } from '../../../runtime/console/commands/calibrate.js';
import { openLine, Repl, Session, systemTime } from '../../../runtime/console/session/index.js';

const opened = openLine(Number(process.argv[2]));
const session = new Session({ line: opened.line, clock: systemTime });
session.guard();
const caller = { role: 'technician', name: 'kim' } as const;
await new Repl({
  ...{ session, commands: [calibrate], caller, nodeName: 'rig', names: () => [] },
  ...{ onCommand: () => undefined, idleMs: 600_000 },
}).run();
await session.close();
opened.close();
process.exit(0);
