import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { systemClock } from '../../clock/index.js';
import { version } from '../../package.js';
import {
  type Caller,
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
  type SessionNotes,
} from '../command.js';
import { deviceHere, journalFolder, openHere } from '../journal/here.js';
import type { Journal } from '../journal/index.js';
import { LOGIN_OPTIONS } from '../login/here.js';
import { logInHere } from '../login/log-in.js';
import {
  type CommandRecord,
  openLine,
  Repl,
  Session,
  type SessionEnd,
  systemTime,
} from '../session/index.js';

/** The bounds of what stty knows. */
const BAUD = { min: 50, max: 4_000_000 };
const SIGNED_WITHIN_MS = 2000;
const IDLE_S = { min: 10, max: 86_400 };

const ENDS: Readonly<Partial<Record<SessionEnd, string>>> = {
  exit: 'The session is over.',
  idle: 'The session is over: nothing was typed.',
  signal: 'The session is over: the console was stopped.',
};

/** `commands`: the table that this command stands in, loaded once somebody has been asked who they are. */
export function consoleCommand(commands: () => Promise<readonly Command[]>): Command {
  return {
    name: 'console',
    topic: 'people',
    summary: 'a session at this terminal: who is let in runs commands',
    usage: '[--baud RATE] [--idle SECONDS] [--config FILE] [--identity FOLDER] [--state FOLDER] …',
    examples: ['cairn console </dev/ttyS0 >/dev/ttyS0', 'cairn console --baud 9600 --idle 300'],
    options: {
      ...LOGIN_OPTIONS,
      ...CONFIG_OPTION,
      baud: { type: 'string' },
      idle: { type: 'string', default: '600' },
    },
    role: 'owner',
    onConsole: false,
    run: (call) => attend(call, commands),
  };
}

async function attend(call: Invocation, commands: () => Promise<readonly Command[]>): Promise<ExitCode> {
  const baud = numberOf(call, 'baud', BAUD);
  const idleMs = (numberOf(call, 'idle', IDLE_S) ?? 0) * 1000;
  // Whoever calls a command in the session means this node file.
  if (typeof call.options.config === 'string') process.env.CAIRN_CONFIG = resolve(call.options.config);
  const opened = openLine(baud);
  const session = new Session({ line: opened.line, clock: systemTime });
  session.guard();
  let why: SessionEnd = 'refused';
  try {
    why = await hold(call, session, idleMs, commands);
    const text = ENDS[why];
    if (text) session.say(text);
    await session.close();
  } finally {
    opened.close();
    // What was left behind must not hold the line's process.
    setTimeout(() => process.exit(), 100).unref();
  }
  return why === 'refused' ? EXIT.failed : EXIT.ok;
}

/** From the banner to the end. */
async function hold(
  call: Invocation,
  session: Session,
  idleMs: number,
  commands: () => Promise<readonly Command[]>,
): Promise<SessionEnd> {
  session.say(`\nCairn ${version()}`);
  let socket: string | undefined;
  const [state, device] = [String(call.options.state), deviceHere()];
  const journal = openHere(
    state,
    device,
    () => socket,
    (text) => session.say(text),
  );
  const logIn = logInHere(call.options, journal)(session);
  // The table takes a second on a small board: it is read while the person looks for their key.
  const loading = session
    .drained()
    .then(() => Promise.all([commands(), import('../files.js'), import('../names.js')]));
  const caller = await logIn;
  if (!caller) return session.ended ?? 'refused';
  const notes: SessionNotes = {
    options: call.options,
    journal: journalFolder(state, device),
    beganNs: systemClock().nowNs(),
    seal: () => journal.seal(),
  };
  void journal.append({ e: 'begin', ...caller });
  const [table, { configPath }, { nodeNames }] = await loading;
  const { node, things, socket: found } = nodeNames(configPath(call));
  socket = found;
  // What a session left unsigned, that the restart of the machine ended.
  void journal.seal();
  const why = await new Repl({
    ...{ session, caller, commands: table, idleMs, notes },
    ...{ nodeName: node ?? hostname(), names: things },
    onCommand: (record) => note(journal, record),
  }).run();
  await ended(journal, caller, why);
  return why;
}

/** A command that ends is an entry; one that was left behind has no exit code. */
function note(journal: Journal, record: CommandRecord): void {
  if (record.event === 'begin') return;
  const { line, caller, exitCode, ms } = record;
  void journal.append({ e: 'command', ...caller, line, exit: exitCode ?? null, ms: Math.round(ms) });
}

/** The node's signature has its time; should the node hang, the next session asks for it. */
async function ended(journal: Journal, caller: Caller, why: SessionEnd): Promise<void> {
  void journal.append({ e: 'end', ...caller, why });
  const signed = journal.head().catch(() => undefined);
  await Promise.race([signed, new Promise((resolve) => setTimeout(resolve, SIGNED_WITHIN_MS).unref())]);
}

function numberOf(
  { options }: Invocation,
  name: 'baud' | 'idle',
  { min, max }: typeof BAUD,
): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new CommandError(EXIT.usage, `--${name}: ${text}; a whole number from ${min} to ${max} is wanted`);
}
