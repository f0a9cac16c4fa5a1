import { native } from '../../../native/index.js';
import { toJson } from '../../control.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { heldHere } from '../follow-export.js';
import { MediaFile } from '../media-file.js';
import { RowWriter } from '../row-writer.js';
import { countText, wallMsOf, wrapped } from '../text.js';
import { storePath } from './store.js';

const FORMATS = ['senml', 'csv'];

export const storeExport: Command = {
  name: 'store export',
  topic: 'store',
  summary: 'the rows that a store holds, as SenML lines or CSV, while its node runs or not',
  usage: '[--format senml|csv] [--to FILE] [--since TIME] [--stream NAME] [--config FILE] [--path STORE]',
  examples: [
    'cairn store export --format csv --to /media/usb/rows.csv',
    'cairn store export --stream climate --since 2026-11-22T06:00:00Z',
    'cairn store export --path /mnt/card/store > rows.jsonl',
  ],
  options: {
    ...CONFIG_OPTION,
    ...{ path: { type: 'string' }, format: { type: 'string', default: 'senml' } },
    ...{ to: { type: 'string' }, since: { type: 'string' }, stream: { type: 'string' } },
  },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { format, since, to } = call.options;
    if (!FORMATS.includes(String(format)))
      throw new CommandError(EXIT.usage, `no format '${format}'; there are: ${FORMATS.join(', ')}`);
    const writer = new RowWriter({
      isCsv: format === 'csv',
      sinceMs: typeof since === 'string' ? wallMsOf(since) : undefined,
      warn: (text) => call.terminal.err(text),
    });
    const sink = typeof to === 'string' ? await fileSink(to) : lineSink(call);
    try {
      await exportTo(call, writer, sink);
    } catch (error) {
      await sink.abandon();
      throw error;
    }
    await sink.finish();
    summarise(call, writer, sink.bytes());
    return EXIT.ok;
  },
};

/** Where lines go. */
interface Sink {
  write(lines: readonly string[]): Promise<void>;
  finish(): Promise<void>;
  abandon(): Promise<void>;
  /** Written so far; undefined down the line. */
  bytes(): number | undefined;
}

async function fileSink(path: string): Promise<Sink> {
  const file = await MediaFile.create(path);
  return {
    write: async (lines) => {
      for (const line of lines) await file.write(`${line}\n`);
    },
    finish: () => file.finish(),
    abandon: () => file.abandon(),
    bytes: () => file.bytes,
  };
}

/** Line by line, so that an interruption is felt on a slow one. */
function lineSink({ terminal, signal }: Invocation): Sink {
  return {
    write: async (lines) => {
      for (const line of lines) {
        if (signal.aborted) return;
        terminal.out(line);
        await terminal.drained();
      }
    },
    finish: async () => undefined,
    abandon: async () => undefined,
    bytes: () => undefined,
  };
}

/** The header only once there is a store: alone it would look like an empty one. */
async function exportTo(call: Invocation, writer: RowWriter, sink: Sink): Promise<void> {
  const { stream } = call.options;
  let isBegun = false;
  for await (const block of heldHere(
    call,
    storePath(call),
    typeof stream === 'string' ? stream : undefined,
  )) {
    if (!isBegun) await sink.write(writer.head());
    isBegun = true;
    await sink.write(writer.linesOf(native.decodeBlock(block.bytes), block));
  }
  if (call.signal.aborted)
    throw new CommandError(EXIT.failed, `interrupted after ${countText(writer.count.rows)} rows`);
  if (!isBegun) await sink.write(writer.head());
}

function summarise({ terminal, json, options: { to } }: Invocation, writer: RowWriter, bytes?: number): void {
  const { rows, undated, leftOut, firstMs, lastMs } = writer.count;
  const time = (ms: number) => new Date(ms).toISOString();
  if (json && bytes !== undefined) {
    const span = firstMs === undefined ? {} : { first: time(firstMs), last: time(lastMs!) };
    terminal.out(toJson({ file: to, bytes, rows, undated, leftOut, ...span }));
    return;
  }
  const facts = [
    `${countText(rows)} rows`,
    ...(bytes === undefined ? [] : [`${countText(bytes)} bytes in ${to}`]),
    ...(firstMs === undefined ? [] : [`from ${time(firstMs)} to ${time(lastMs!)}`]),
    ...(undated > 0 ? [`${countText(undated)} of them without a wall time (no anchor of their boot)`] : []),
    ...(leftOut > 0 ? [`${countText(leftOut)} more left out for want of a wall time`] : []),
  ];
  for (const line of wrapped(facts.join(', '), terminal.columns, 2)) terminal.err(line);
}
