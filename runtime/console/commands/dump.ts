import { readFileSync } from 'node:fs';
import { ask, controlPath } from '../../control.js';
import { dumpFolder } from '../../flight.js';
import { type FlightLine, latestDump, parseFlight } from '../../health/index.js';
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

export const dump: Command = {
  name: 'dump',
  topic: 'look',
  summary: 'the last minutes of a run that did not end in order, as a timeline; --now: of the running node',
  usage: '[FILE] [--now] [--config FILE]   (the newest dump without FILE)',
  examples: ['cairn dump', 'cairn dump --now --json >report.jsonl', 'cairn dump report.jsonl'],
  options: { ...CONFIG_OPTION, now: { type: 'boolean' } },
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const file = await fileOf(call);
    const text = textOf(file);
    const lines = parseFlight(text);
    if (call.json) for (const line of lines) call.terminal.out(JSON.stringify(line));
    else show(file, lines, call.terminal);
    return lines.length > 0 ? EXIT.ok : EXIT.failed;
  },
};

async function fileOf(call: Invocation): Promise<string> {
  const [file] = call.positionals;
  if (file) return file;
  const config = readRunning(call);
  if (call.options.now === true) return dumpNow(controlPath(config.store.path));
  const latest = latestDump(dumpFolder(config));
  if (latest) return latest;
  throw refusal(EXIT.failed, 'every run so far has ended in order; of the running node: cairn dump --now');
}

async function dumpNow(socket: string): Promise<string> {
  const answer = (await ask(socket, 'dump')) as { file?: string; error?: string } | undefined;
  if (answer?.file) return answer.file;
  throw refusal(EXIT.failed, answer?.error ?? 'no node runs with this store');
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw refusal(EXIT.usage, `${file}: ${(error as Error).message}`);
  }
}

function refusal(code: ExitCode, text: string): CommandError {
  return new CommandError(code, text);
}

/** Times are counted back from the end. */
function show(file: string, lines: readonly FlightLine[], { out }: Terminal): void {
  const endMs = lines.at(-1)?.t ?? 0;
  const isInOrder = lines.at(-1)?.e === 'stop';
  out(`${file}: ${lines.length} events${isInOrder ? '' : '; it did not end in order'}`);
  for (const line of lines) {
    const second = ((line.t - endMs) / 1000).toFixed(1);
    out(`${second.padStart(9)} s  ${line.e.padEnd(6)} ${wordsOf(line)}`);
  }
}

function wordsOf(line: FlightLine): string {
  switch (line.e) {
    case 'start':
      return `${line.software}, ${line.shape.parts.length} parts${line.afterDump ? ', after a run that did not end in order' : ''}`;
    case 'stream':
      return `${line.stream} (${line.class})`;
    case 'second':
      return secondWords(line);
    case 'disk':
      return `${line.on} refused: ${line.code} after ${line.ms} ms`;
    case 'repair':
      return line.ok ? 'the database was repaired' : 'the database could not be repaired';
    case 'link':
      return line.is === 'down' ? `down: ${line.kind}: ${line.text}` : line.is;
    case 'step':
      return `the wall clock was moved by ${line.ms / 1000} s`;
    case 'time':
      return `the time is known: ${new Date(Number(BigInt(line.wallNs) / 1_000_000n)).toISOString()}`;
    case 'log':
      return `${line.level} ${line.module}: ${line.text}`;
    case 'stop':
      return line.why;
  }
}

function secondWords(second: Extract<FlightLine, { e: 'second' }>): string {
  const { t: _, e: __, ...rest } = second;
  return Object.entries(rest)
    .map(([name, value]) => {
      if (typeof value !== 'object') return `${name} ${value}`;
      const parts = Object.entries(value).map(([key, count]) => `${key} ${count}`);
      return `${name} (${parts.join(', ')})`;
    })
    .join('  ');
}
