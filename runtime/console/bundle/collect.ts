import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import type { NodeConfig } from '../../config/index.js';
import { ask, controlPath, follow, toJson } from '../../control.js';
import { textFiles } from '../../text-files.js';
import { consoleFolder, State } from '../../update/index.js';
import type { Command, Invocation } from '../command.js';
import { check } from '../commands/check.js';
import { dump } from '../commands/dump.js';
import { journal } from '../commands/journal.js';
import { parts } from '../commands/parts.js';
import { status } from '../commands/status.js';
import { storeDead } from '../commands/store-dead.js';
import { time } from '../commands/time.js';
import { why } from '../commands/why.js';
import { type ConfigView, namedFiles } from '../config-access.js';
import { runOne } from '../run-command.js';
import { machineReport } from './machine.js';
import type { BundleFile, LeftOut } from './pack.js';

/** Of each piece: whatever hangs must not hold up the rest. */
const PIECE_WITHIN_MS = 45_000;
const SERVICE_LINES = '500';

export interface CollectOptions {
  readonly call: Invocation;
  readonly configPath: string;
  /** Undefined where what runs is wrong. */
  readonly config: NodeConfig | undefined;
  readonly view: ConfigView;
  /** A piece is being looked at. */
  readonly onPiece: (name: string) => void;
}

interface Piece {
  readonly name: string;
  readonly isLines?: boolean;
  readonly text: () => Promise<string>;
}

/** All that may help whoever is asked from afar, the most important first. What fails is left out, with the reason. */
export async function collected(
  options: CollectOptions,
): Promise<{ files: BundleFile[]; leftOut: LeftOut[] }> {
  const files: BundleFile[] = [];
  const leftOut: LeftOut[] = [];
  for (const { name, text, isLines = false } of piecesOf(options)) {
    if (options.call.signal.aborted) break;
    options.onPiece(name);
    try {
      files.push({ name, isLines, text: await inTime(text(), options.call.signal) });
    } catch (error) {
      leftOut.push({ name, why: (error as Error).message });
    }
  }
  return { files, leftOut };
}

function piecesOf({ call, configPath, config, view }: CollectOptions): readonly Piece[] {
  const here = ['--config', configPath];
  const said = (command: Command, ...words: string[]) => textOf(command, [...words, ...here], call);
  const { bundle: _, ...report } = view.report;
  const socket = () => socketOf(config);
  const ofConsole = ['--state', consoleFolder(view.places)];
  return [
    { name: 'why.json', text: () => said(why, '--json') },
    { name: 'status.json', text: () => said(status, '--json') },
    { name: 'time.json', text: () => said(time, '--json') },
    { name: 'forecast.txt', text: () => said(check, configPath) },
    // A running node has its parts in its status; their buses are left to it.
    ...(view.isLive ? [] : [{ name: 'parts.json', text: () => said(parts, '--json') }]),
    {
      name: 'config/state.json',
      text: async () => toJson({ ...report, isLive: view.isLive, ...stateOf(view) }, 1),
    },
    ...configPieces(view),
    { name: 'machine.json', text: async () => toJson(machineReport(config?.store.path), 1) },
    { name: 'anchors.json', text: async () => toJson(await anchorsOf(socket(), call.signal), 1) },
    { name: 'dead-letters.json', text: () => headersOf(said(storeDead, '--json')) },
    { name: 'journal-verify.jsonl', text: () => said(journal, '--verify', ...ofConsole, '--json') },
    { name: 'log.jsonl', isLines: true, text: async () => linesOf(await recentLog(socket())) },
    {
      name: 'dump.jsonl',
      isLines: true,
      text: () => said(dump, ...(view.isLive ? ['--now'] : []), '--json'),
    },
    { name: 'journal.jsonl', isLines: true, text: () => said(journal, ...ofConsole, '--json') },
    { name: 'service-log.txt', isLines: true, text: serviceLog },
  ];
}

function configPieces({ report: { bundle } }: ConfigView): readonly Piece[] {
  return [...namedFiles(bundle)].map(([name, text], i) => {
    const plain = basename(i === 0 ? bundle.main : name)
      .replaceAll(/[^\w.-]/g, '-')
      .slice(-60);
    return { name: `config/${i}-${plain}`, text: async () => text };
  });
}

function stateOf({ places }: ConfigView) {
  const state = new State(textFiles(places.state), () => undefined);
  return { starts: state.get('starts') ?? null, outcome: state.get('outcome') ?? null };
}

function socketOf(config: NodeConfig | undefined): string {
  if (!config) throw new Error('the configuration is wrong, so nobody knows where the node would answer');
  return controlPath(config.store.path);
}

async function recentLog(socket: string): Promise<readonly unknown[]> {
  const lines = (await ask(socket, 'recentLog')) as readonly unknown[] | undefined;
  if (!lines) throw new Error('no node runs; service-log.txt may have it');
  return lines;
}

/** They come before the blocks, which stay. */
async function anchorsOf(socket: string, signal: AbortSignal): Promise<readonly unknown[]> {
  const all: unknown[] = [];
  let isBegun = false;
  for await (const answer of follow(socket, 'export', {}, signal)) {
    isBegun = true;
    const { anchors } = answer as { anchors?: readonly unknown[] };
    if (!anchors) break;
    all.push(...anchors);
  }
  if (!isBegun) throw new Error('no node runs');
  return all;
}

/** What nobody would take, but not what it says. */
async function headersOf(said: Promise<string>): Promise<string> {
  const letters = JSON.parse(await said) as readonly Record<string, unknown>[];
  return toJson(
    letters.map(({ content: _, ...header }) => header),
    1,
  );
}

async function serviceLog(): Promise<string> {
  const words = [
    '--unit',
    'cairn.service',
    '--lines',
    SERVICE_LINES,
    '--output',
    'short-iso',
    '--no-pager',
    '--quiet',
  ];
  const { stdout } = await promisify(execFile)('journalctl', words, { maxBuffer: 4 << 20, timeout: 10_000 });
  if (stdout === '') throw new Error('the service manager has no log of cairn.service, or not for this user');
  return stdout;
}

/** What a command says; its code and errors behind it where it is not all well. */
async function textOf(command: Command, words: readonly string[], call: Invocation): Promise<string> {
  const [out, err] = [[] as string[], [] as string[]];
  const terminal = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    ...{ interactive: false, columns: 80, drained: async () => undefined, ask: async () => undefined },
  };
  const { caller, signal } = call;
  const code = await runOne(command, [...command.name.split(' '), ...words], { terminal, caller, signal });
  if (out.length === 0) throw new Error(err.join('\n') || `cairn ${command.name} ended with code ${code}`);
  return `${out.join('\n')}\n`;
}

function linesOf(values: readonly unknown[]): string {
  return values.map((value) => `${toJson(value)}\n`).join('');
}

async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(PIECE_WITHIN_MS)]);
  const late = new Promise<never>((_, reject) => {
    const give = () =>
      reject(new Error(signal.aborted ? 'interrupted' : `not within ${PIECE_WITHIN_MS / 1000} s`));
    if (end.aborted) give();
    else end.addEventListener('abort', give, { once: true });
  });
  return Promise.race([work, late]);
}
