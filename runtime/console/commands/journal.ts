import type { KeyObject } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePublicKey } from '../../identity.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
  type Terminal,
} from '../command.js';
import { readRunning } from '../files.js';
import { journalsFolder } from '../journal/here.js';
import { diskAt, type Entry, type ProblemKind, readEntries, type Verdict, verify } from '../journal/index.js';
import { HERE_OPTIONS, optionsHere } from '../login/here.js';
import { orUsage } from './grant.js';

export const journal: Command = {
  name: 'journal',
  topic: 'people',
  summary:
    'who was on the console and what they did; --verify: whether anything was changed, by hashes and signatures',
  usage: '[LINE] [--from NUMBER] [--verify] [--identity FOLDER] [--state FOLDER] [--config FILE]',
  examples: ['cairn journal ttyS0 --from 120', 'cairn journal --verify'],
  options: {
    ...CONFIG_OPTION,
    state: HERE_OPTIONS.state,
    from: { type: 'string', default: '1' },
    verify: { type: 'boolean' },
    identity: { type: 'string' },
  },
  // Whoever mends a node may read who was there before; a viewer is anybody's visitor.
  role: 'technician',
  onConsole: true,
  async run(call) {
    const lines = linesOf(call);
    if (lines.length === 0) {
      call.terminal.err('Nobody was ever on a console here: there is no journal.');
      return EXIT.failed;
    }
    if (call.options.verify === true) return verifyAll(lines, call);
    for (const line of lines) await show(line, call);
    return EXIT.ok;
  },
};

interface Line {
  readonly name: string;
  readonly folder: string;
}

function linesOf(call: Invocation): readonly Line[] {
  const [wanted] = call.positionals;
  const all = journalsFolder(String(optionsHere(call).state));
  const names = existsSync(all) ? readdirSync(all).sort() : [];
  if (wanted !== undefined && !names.includes(wanted))
    throw new CommandError(EXIT.usage, `no journal of ${wanted}; there are: ${names.join(', ') || 'none'}`);
  return names
    .filter((name) => wanted === undefined || name === wanted)
    .map((name) => ({ name, folder: join(all, name) }));
}

async function show({ name, folder }: Line, { options, json, terminal, signal }: Invocation): Promise<void> {
  if (!/^\d{1,10}$/.test(String(options.from)))
    throw new CommandError(EXIT.usage, '--from is the number of an entry');
  for (const entry of await readEntries(diskAt(folder), Number(options.from))) {
    if (signal.aborted) return;
    terminal.out(json ? JSON.stringify({ line: name, entry }) : `${name} ${entryText(entry)}`);
    await terminal.drained();
  }
}

function entryText(entry: Entry): string {
  const when = entry.wall ?? `boot ${entry.boot.slice(0, 8)} + ${(entry.bootMs / 1000).toFixed(1)} s`;
  // Nothing that somebody typed moves the reader's cursor.
  return `${entry.n}  ${when}  ${whatText(entry)}`.replace(/\p{C}/gu, '?');
}

function whatText(entry: Entry): string {
  switch (entry.e) {
    case 'begin':
      return `${entry.role} ${entry.name} is in`;
    case 'refused':
      return `refused: ${entry.why}`;
    case 'command':
      return `${entry.role} ${entry.name}: ${entry.line}  (${entry.exit === null ? 'left behind' : `exit ${entry.exit}`}, ${entry.ms} ms)`;
    case 'end':
      return `${entry.role} ${entry.name} is out: ${entry.why}`;
    case 'signed':
      return 'signed by the node up to here';
    case 'torn':
      return `${entry.bytes} bytes of an entry that was never whole were dropped`;
    case 'lost':
      return `${entry.entries} entries before this one could not be written`;
    case 'trimmed':
      return `the entries before ${entry.first} made room`;
  }
}

async function verifyAll(lines: readonly Line[], call: Invocation): Promise<ExitCode> {
  const key = publicKeyHere(call);
  let isWhole = true;
  for (const { name, folder } of lines) {
    const verdict = await verify(diskAt(folder), key);
    if (verdict.problem) isWhole = false;
    if (call.json) call.terminal.out(JSON.stringify({ line: name, ...verdict }));
    else say(name, verdict, call.terminal);
  }
  return isWhole ? EXIT.ok : EXIT.failed;
}

const PROBLEMS: Readonly<Record<ProblemKind, string>> = {
  malformed: 'is no entry: it was overwritten, or the card is rotting',
  missing: 'does not follow the one before: something was taken out or put in',
  changed: 'does not follow from the one before: that one was changed',
  signature: 'has a signature that is not of this node',
};

function say(name: string, { first, last, signedTo, tornBytes, problem }: Verdict, { out }: Terminal): void {
  if (problem) out(`${name}: WRONG: entry ${problem.number} ${PROBLEMS[problem.kind]}`);
  else out(`${name}: entries ${first} to ${last} are whole`);
  // The entry after the last signed one is the signature.
  const unsigned = last - signedTo - (signedTo > 0 ? 1 : 0);
  out(
    `  signed by the node up to ${signedTo}${unsigned > 0 ? `; nothing vouches for the ${unsigned} after it` : ''}`,
  );
  if (first > 1) out(`  entries before ${first} made room`);
  if (tornBytes > 0) out(`  ${tornBytes} bytes at the end are of an entry that was never whole`);
}

/** `--identity`, else where the node file says. */
function publicKeyHere(call: Invocation): KeyObject {
  const { identity } = call.options;
  const folder = typeof identity === 'string' ? identity : readRunning(call).identityPath;
  const file = join(folder, 'node.pub');
  return orUsage(() => parsePublicKey(file, readFileSync(file, 'utf8')));
}
