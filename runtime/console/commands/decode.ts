import { readFileSync } from 'node:fs';
import { native } from '../../../native/index.js';
import { decodeMeta, META_STREAM } from '../../../wire/index.js';
import { toJson } from '../../control.js';
import { type Command, CommandError, EXIT, type Terminal } from '../command.js';

const QUALITY_MARKS = ['', '?', '~', '!'];

export const decode: Command = {
  name: 'decode',
  topic: 'store',
  summary: 'show blocks as header and rows: what an MQTT client saved, or any run of blocks',
  usage: '[FILE]   (standard input without one)',
  examples: ['cairn decode block.bin', "mosquitto_sub -t 'cairn/1/+/telemetry/+' -C 1 -N | cairn decode"],
  options: {},
  role: 'viewer',
  onConsole: false,
  async run({ positionals, json, terminal }) {
    const [file] = positionals;
    const bytes = readBytes(file);
    for (let offset = 0; offset < bytes.length; ) {
      offset += showBlock(bytes, offset, json, terminal);
    }
    return bytes.length > 0 ? EXIT.ok : EXIT.failed;
  },
};

function readBytes(file: string | undefined): Uint8Array {
  try {
    return readFileSync(file ?? 0);
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file ?? 'standard input'}: ${(error as Error).message}`);
  }
}

/** Returns how long the block was. */
function showBlock(bytes: Uint8Array, offset: number, json: boolean, { out }: Terminal): number {
  const block = decodeAt(bytes, offset);
  const { header, columns } = block;
  const rows = Array.from(block.timesNs, (timeNs, row) => ({
    sequence: header.first + row,
    timeNs,
    values: columns.map((_, i) => cell(block, header.stream, row * columns.length + i)),
  }));
  if (json) {
    out(toJson({ ...header, columns, rows }));
    return header.byteLength;
  }
  out(
    `node ${header.node} epoch ${header.epoch} stream ${header.stream} first ${header.first} rows ${header.count} ` +
      `boot ${header.boot} descriptor ${header.descriptorVersion} (${header.byteLength} bytes, CRC ok)`,
  );
  for (const { sequence, timeNs, values } of rows) {
    out(
      `${String(sequence).padStart(10)} ${(Number(timeNs) / 1e9).toFixed(6).padStart(16)} s  ${values.map(text).join('  ')}`,
    );
  }
  return header.byteLength;
}

function decodeAt(bytes: Uint8Array, offset: number) {
  try {
    return native.decodeBlock(bytes, offset);
  } catch (error) {
    throw new CommandError(EXIT.failed, `at byte ${offset}: not a block: ${(error as Error).message}`);
  }
}

function cell(block: ReturnType<typeof native.decodeBlock>, stream: string, at: number) {
  const value = block.texts?.[at] ?? block.values[at];
  const shown = stream === META_STREAM && value instanceof Uint8Array ? decodeMeta(value) : value;
  return { value: shown, quality: block.quality[at]! };
}

function text({ value, quality }: ReturnType<typeof cell>): string {
  const shown = typeof value === 'object' && !(value instanceof Uint8Array) ? toJson(value) : String(value);
  return `${quality === 3 ? '-' : shown}${QUALITY_MARKS[quality]}`;
}
