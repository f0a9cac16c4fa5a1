import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { keyIdOf } from '../../../wire/index.js';
import { kernelBootId } from '../../clock/index.js';
import { controlPath, follow } from '../../control.js';
import { EVENT_MAX_BYTES, eventBy } from '../../events.js';
import { askToSign } from '../../head-signature.js';
import { why } from '../../health/index.js';
import { parsePublicKey } from '../../identity.js';
import { version } from '../../package.js';
import type { EventNews } from '../../requests/index.js';
import { whoHasIt } from '../../requests/index.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
} from '../command.js';
import { configPath, readRunning } from '../files.js';
import { diskAt, type Entry, headOf, readEntries } from '../journal/index.js';
import {
  contentOf,
  openSigned,
  type Report,
  type ReportProblem,
  reportLines,
  type Sealed,
  seal,
  signedText,
} from '../report/index.js';
import { sayLines } from '../say-lines.js';
import { gatherFacts } from '../why/gather.js';
import { orUsage } from './grant.js';

const RECEIPT_WITHIN_MS = 20_000;

export const report: Command = {
  name: 'report',
  topic: 'prove',
  summary:
    'what was found, done and proven, signed by the node and kept as an event; --verify: whether one is whole, anywhere',
  usage: '[--note TEXT] [--config FILE] | --verify FILE --key FILE',
  examples: [
    'cairn report --note "new cable to the mast"',
    'cairn report --json >report.json',
    'cairn report --verify report.json --key node.pub',
  ],
  options: {
    ...CONFIG_OPTION,
    note: { type: 'string', default: '' },
    verify: { type: 'string' },
    key: { type: 'string' },
  },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { verify, key } = call.options;
    if (typeof verify === 'string')
      return verifyFile(call, verify, typeof key === 'string' ? key : undefined);
    return leave(call);
  },
};

async function leave(call: Invocation): Promise<ExitCode> {
  const { json, terminal } = call;
  const { sealed, socket, isRunning, link } = await made(call);
  // Asked for once all else is known: what is signed is what is said.
  const signature = isRunning ? await askToSign(socket, sealed.sha256, 'report') : undefined;
  goesOn(call);
  const text = signedText(sealed, signature);
  if (json) terminal.out(text);
  else await sayLines(call, reportLines(sealed.report, terminal.columns));
  if (!signature) {
    terminal.err('Nobody signed it and it is not kept: no node runs. Run cairn report again once one does.');
    return EXIT.failed;
  }
  if (!json) {
    terminal.out(`SHA-256 ${sealed.sha256.toString('hex')}`);
    terminal.out('Signed by the node.');
  }
  return keep(call, socket, text, link);
}

type Link = { readonly isOnline: boolean; readonly custody: 'broker' | 'fleet' } | undefined;

interface Made {
  readonly sealed: Sealed;
  readonly socket: string;
  readonly isRunning: boolean;
  /** Undefined on a node without an uplink. */
  readonly link: Link;
}

async function made(call: Invocation): Promise<Made> {
  const { session, caller, terminal } = call;
  const config = readRunning(call);
  await session?.seal();
  const facts = await gatherFacts({
    configPath: configPath(call),
    looksFurther: true,
    ...{ warn: terminal.err, signal: call.signal },
    onLook: (parts) => terminal.err(`looking further for ${parts.join(', ')}: up to half a minute …`),
  });
  goesOn(call);
  const wrong = { bootNs: facts.nowNs, causes: why(facts) };
  const bootId = kernelBootId();
  const sealed = seal(
    contentOf({
      ...{ node: nodeIdIn(config.identityPath), name: config.name, software: `cairn ${version()}`, bootId },
      ...{ caller, facts, found: session?.found ?? wrong, wrong, note: String(call.options.note) },
      entries: await sessionEntries(session, bootId),
      journal: await journalHead(session),
    }),
  );
  const { uplink } = facts.node ?? {};
  const link = uplink && { isOnline: uplink.link.state === 'online', custody: uplink.custody };
  return { sealed, socket: controlPath(config.store.path), isRunning: facts.node !== undefined, link };
}

function nodeIdIn(folder: string): string {
  return keyIdOf(keyIn(join(folder, 'node.pub')));
}

/** What this session did: of this boot, since somebody got in. A journal that can't be read is told by its `null` head. */
async function sessionEntries(session: Invocation['session'], bootId: string): Promise<readonly Entry[]> {
  if (!session) return [];
  const beganMs = Number(session.beganNs / 1_000_000n);
  const all = await readEntries(diskAt(session.journal)).catch(() => []);
  return all.filter(({ boot, bootMs }) => boot === bootId && bootMs >= beganMs);
}

async function journalHead(session: Invocation['session']): Promise<Report['journal']> {
  if (!session) return null;
  const head = await headOf(diskAt(session.journal)).catch(() => undefined);
  if (!head || head.number === 0) return null;
  const { number, hash, signed } = head;
  return { line: basename(session.journal), number, hash, signedTo: signed?.number ?? 0 };
}

/** Committed before it is said to be; then, where the link is up, its receipt is waited for. */
async function keep(call: Invocation, socket: string, text: string, link: Link): Promise<ExitCode> {
  const { terminal, caller, signal } = call;
  const until = AbortSignal.any([signal, AbortSignal.timeout(RECEIPT_WITHIN_MS)]);
  const say = (line: string) => terminal.err(line);
  const event = { kind: 'report', by: eventBy(caller.name), text };
  let isKept = false;
  for await (const news of follow(socket, 'followEvent', event, until) as AsyncIterable<EventNews>) {
    if ('stream' in news) {
      isKept = true;
      say(`Kept as ${news.stream} ${news.first}${news.last > news.first ? ` to ${news.last}` : ''}.`);
      if (!link?.isOnline) break;
      await terminal.drained();
    } else if (news.isReceived) {
      say(`It left: ${whoHasIt({ custody: link?.custody ?? 'broker' })}.`);
      return EXIT.ok;
    }
  }
  goesOn(call);
  if (!isKept) throw new CommandError(EXIT.failed, 'It is signed and not kept: the node ended meanwhile.');
  say(leavesText(link));
  return EXIT.ok;
}

function leavesText(link: Link): string {
  if (!link) return 'This node has no uplink: take the JSON along.';
  if (!link.isOnline) return 'It leaves with the next link.';
  return `No receipt came within ${RECEIPT_WITHIN_MS / 1000} s: it is kept until one does.`;
}

const PROBLEMS: Readonly<Record<ReportProblem, string>> = {
  malformed: 'it is no signed report',
  changed: 'what it says is not what was signed',
  unsigned: 'nobody signed it',
  signature: 'the signature is not of that key, or of another report',
  otherNode: 'it speaks for another node than the one that signed it',
  version: 'it is of a later version than this program',
};

async function verifyFile(call: Invocation, file: string, keyFile: string | undefined): Promise<ExitCode> {
  if (keyFile === undefined)
    throw new CommandError(EXIT.usage, '--verify wants the node’s key: --key node.pub');
  const opened = openSigned(textOf(file), keyIn(keyFile));
  if ('problem' in opened) {
    if (call.json) call.terminal.out(JSON.stringify({ isWhole: false, problem: opened.problem }));
    else call.terminal.out(`WRONG: ${PROBLEMS[opened.problem]}`);
    return EXIT.failed;
  }
  if (call.json) call.terminal.out(JSON.stringify({ isWhole: true, node: opened.report.node }));
  else {
    await sayLines(call, reportLines(opened.report, call.terminal.columns));
    call.terminal.out(`whole: signed by node ${opened.report.node}`);
  }
  return EXIT.ok;
}

function textOf(file: string): string {
  return orUsage(() => {
    if (statSync(file).size > 2 * EVENT_MAX_BYTES)
      throw new CommandError(EXIT.usage, `${file}: larger than any report`);
    return readFileSync(file, 'utf8');
  });
}

function keyIn(file: string) {
  return orUsage(() => parsePublicKey(file, readFileSync(file, 'utf8')));
}

/** Nothing is signed or kept for somebody who took it back. */
function goesOn({ signal }: Invocation): void {
  if (signal.aborted) throw new CommandError(EXIT.failed, 'interrupted');
}
