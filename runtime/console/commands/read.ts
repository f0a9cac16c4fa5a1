import { type Rows, rowCount } from '../../../drivers/contract/index.js';
import { rowCells } from '../../../wire/index.js';
import type { Board } from '../../board/index.js';
import type { Calibrations } from '../../calibrations.js';
import { systemClock } from '../../clock/index.js';
import type { NodeConfig, PartConfig } from '../../config/index.js';
import { ask, controlPath, follow, toJson } from '../../control.js';
import type { PipelineStatus } from '../../pipeline.js';
import { createSampler, type SamplerStream } from '../../sampler/index.js';
import type { SeenRow } from '../../seen-rows.js';
import type { Heard } from '../../tap.js';
import { calibrationsInFiles } from '../calibrations-here.js';
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
import { withBoard } from '../hardware.js';

/** A receiver without a fix, or a contact that nobody touches, has nothing to say for a while. */
const WAIT_MS = 10_000;

export const read: Command = {
  name: 'read',
  topic: 'look',
  summary: 'one reading of a part, now',
  usage: '<part> [--config FILE]',
  examples: ['cairn read climate', 'cairn read gps --json'],
  options: CONFIG_OPTION,
  role: 'technician',
  onConsole: true,
  async run(call) {
    const [id] = call.positionals;
    if (!id)
      throw new CommandError(EXIT.usage, 'which part? cairn read <part>; the names are in the node file');
    const config = readRunning(call);
    const part = config.parts.find((candidate) => candidate.id === id);
    if (!part) {
      throw new CommandError(
        EXIT.usage,
        `no part '${id}' in the node file; it has: ${config.parts.map((p) => p.id).join(', ')}`,
      );
    }
    const status = (await ask(controlPath(config.store.path), 'status')) as PipelineStatus | undefined;
    return status ? askNode(call, config, id, status) : readAlone(call, config, part);
  },
};

/** The running node holds its parts: it is asked to take the next sample now. */
async function askNode(
  { signal, terminal, json }: Invocation,
  config: NodeConfig,
  id: string,
  { parts }: PipelineStatus,
): Promise<ExitCode> {
  const end = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
  const rows = follow(controlPath(config.store.path), 'read', { part: id }, end) as AsyncIterable<
    Heard<SeenRow>
  >;
  for await (const heard of rows) {
    if (!('item' in heard) || heard.item.cells.every(({ quality }) => quality === 'fault')) continue;
    print(heard.item, json, terminal.out);
    return EXIT.ok;
  }
  return nothing(terminal, id, parts.find((part) => part.id === id)?.lastError);
}

async function readAlone(call: Invocation, config: NodeConfig, part: PartConfig): Promise<ExitCode> {
  const calibrations = calibrationsInFiles(config, call.terminal);
  return withBoard({ ...config, parts: [part] }, call.terminal, async (board) => {
    const { rows, streams, error } = await firstRows(board, calibrations, call);
    if (!rows) return nothing(call.terminal, part.id, error);
    const { channels } = streams.get(rows.stream)!;
    const at = rowCount(rows) - 1;
    const cells = rowCells(rows, at, channels.length, channels);
    print({ stream: rows.stream, timeNs: rows.timesNs[at]!, cells }, call.json, call.terminal.out);
    return EXIT.ok;
  });
}

function nothing(terminal: Terminal, id: string, error: string | undefined): ExitCode {
  terminal.err(`${id}: nothing within ${WAIT_MS / 1000} s${error ? `: ${error}` : ''}`);
  return EXIT.failed;
}

/** Runs the part through the real sampler until it has given something that is not all fault. */
async function firstRows(board: Board, calibrations: Calibrations, { terminal, signal }: Invocation) {
  const streams = new Map<string, SamplerStream>();
  let error: string | undefined;
  let found: ((rows: Rows | undefined) => void) | undefined;
  const wait = new Promise<Rows | undefined>((resolve) => {
    found = resolve;
  });
  const sampler = createSampler({
    board,
    clock: systemClock(),
    random: Math.random,
    correctionsOf: (id) => calibrations.inUse(id),
    declare: (declared) => {
      for (const stream of declared) streams.set(stream.name, stream);
    },
    emit: (rows) => {
      if (rowCount(rows) > 0 && !rows.quality.every((code) => code === 3)) found?.(rows);
    },
    log: (_level, text) => {
      error = text;
    },
  });
  if (terminal.interactive) terminal.err('waiting for a reading …');
  const timer = setTimeout(() => found?.(undefined), WAIT_MS);
  signal.addEventListener('abort', () => found?.(undefined));
  sampler.start();
  const rows = await wait;
  clearTimeout(timer);
  await sampler.stop();
  return { rows, streams, error };
}

function print(
  { stream, timeNs, cells }: Pick<SeenRow, 'stream' | 'timeNs' | 'cells'>,
  json: boolean,
  out: (text: string) => void,
): void {
  if (json) {
    out(toJson({ stream, timeNs, values: cells }));
    return;
  }
  for (const { channel, value, unit, quality } of cells) {
    out(
      `${stream.padEnd(14)} ${channel.padEnd(18)} ${String(value ?? '-').padStart(14)} ${unit.padEnd(6)} ${quality}`,
    );
  }
}
