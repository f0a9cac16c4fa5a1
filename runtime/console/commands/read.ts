import { type Rows, rowCount } from '../../../drivers/contract/index.js';
import { rowCells } from '../../../wire/index.js';
import type { Board } from '../../board/index.js';
import { systemClock } from '../../clock/index.js';
import { toJson } from '../../control.js';
import { createSampler, type SamplerStream } from '../../sampler/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Terminal } from '../command.js';
import { configPath, readConfig } from '../files.js';
import { withBoard } from '../hardware.js';

/** A receiver without a fix, or a contact that nobody touches, has nothing to say for a while. */
const WAIT_MS = 10_000;

export const read: Command = {
  name: 'read',
  summary: 'one reading of a part, now',
  usage: '<part> [--config FILE]',
  examples: ['cairn read climate', 'cairn read gps --json'],
  options: CONFIG_OPTION,
  async run(call) {
    const [id] = call.positionals;
    if (!id)
      throw new CommandError(EXIT.usage, 'which part? cairn read <part>; the names are in the node file');
    const config = readConfig(configPath(call), call.terminal);
    const part = config.parts.find((candidate) => candidate.id === id);
    if (!part) {
      throw new CommandError(
        EXIT.usage,
        `no part '${id}' in the node file; it has: ${config.parts.map((p) => p.id).join(', ')}`,
      );
    }
    return withBoard({ ...config, parts: [part] }, call.terminal, async (board) => {
      const { rows, streams, error } = await firstRows(board, call.terminal);
      if (!rows) {
        call.terminal.err(`${id}: nothing within ${WAIT_MS / 1000} s${error ? `: ${error}` : ''}`);
        return EXIT.failed;
      }
      print(rows, streams, call.json, call.terminal.out);
      return EXIT.ok;
    });
  },
};

/** Runs the part through the real sampler until it has given something that is not all fault. */
async function firstRows(board: Board, terminal: Terminal) {
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
  sampler.start();
  const rows = await wait;
  clearTimeout(timer);
  await sampler.stop();
  return { rows, streams, error };
}

function print(
  rows: Rows,
  streams: ReadonlyMap<string, SamplerStream>,
  json: boolean,
  out: (text: string) => void,
): void {
  const { channels } = streams.get(rows.stream)!;
  const cells = rowCells(rows, rowCount(rows) - 1, channels.length, channels);
  if (json) {
    out(toJson({ stream: rows.stream, timeNs: rows.timesNs.at(-1), values: cells }));
    return;
  }
  for (const { channel, value, unit, quality } of cells) {
    out(
      `${rows.stream.padEnd(14)} ${channel.padEnd(18)} ${String(value ?? '-').padStart(14)} ${unit.padEnd(6)} ${quality}`,
    );
  }
}
