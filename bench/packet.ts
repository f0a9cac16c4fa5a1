import { gzipSync } from 'node:zlib';
import { Encoder } from 'cbor-x/encode';
import type { NativeBlockHeader, NativeRows } from '../native/index.js';
import { native } from '../native/index.js';
import { senmlPack } from '../wire/index.js';
import { timeNs } from './measure.js';
import type { Bench, Figure, Report } from './report.js';
import { ambientTemperature, noise, polled, type Series, walk } from './series.js';

const header: NativeBlockHeader = {
  node: '0123456789abcdef',
  epoch: 'fedcba9876543210',
  stream: 'imu',
  first: 123_456,
  boot: 7,
  descriptorVersion: 1,
};

const cbor = new Encoder({ useRecords: false, tagUint8Array: false });
const gzip = (text: string) => gzipSync(text).length;

/** What a reading weighs and costs: sealed blocks against the formats that are sent instead of them. */
export const packet: Bench = {
  name: 'packet',
  title: 'packet: a reading is a time and its channels, in blocks of 64',
  run: async (): Promise<Report> => {
    const real = ambientTemperature();
    const series = [walk(), noise(), polled(), ...(real ? [real] : [])];
    return {
      figures: [...series.flatMap(sizes), ...speeds(walk())],
      notes: [
        'sizes are whole blocks divided by their rows: header and CRC are in ours, names in the peers’ JSON and CBOR',
        'CBOR and JSON rows: an object a reading, its time in ns and a number a channel; columns: an array a channel',
        ...(real ? [] : ['NAB series left out: CAIRN_REAL_DATA has no timeseries/']),
      ],
    };
  },
};

function sizes(series: Series): readonly Figure[] {
  const rows = series.blocks.reduce((sum, block) => sum + block.timesNs.length, 0);
  const each = (size: (block: NativeRows) => number) =>
    series.blocks.reduce((sum, block) => sum + size(block), 0) / rows;
  const json = (block: NativeRows) => JSON.stringify(senml(series, block));
  const ours = each((block) => seal(series, block).length);
  const peers = {
    'SenML JSON': each((block) => json(block).length),
    'SenML JSON, gzip': each((block) => gzip(json(block))),
    'JSON columns, gzip': each((block) => gzip(JSON.stringify(columnsOf(series, block)))),
    'CBOR rows': each((block) => cbor.encode(rowsOf(series, block)).length),
  };
  return Object.entries(peers).map(([name, value]) => ({
    what: series.name,
    unit: 'bytes/reading',
    better: 'less',
    ours,
    peer: { name, value },
  }));
}

function speeds(series: Series): readonly Figure[] {
  const block = series.blocks[0]!;
  const rows = rowsOf(series, block);
  const bytes = seal(series, block);
  const [text, binary] = [JSON.stringify(rows), cbor.encode(rows)];
  const encode = timeNs({
    ours: () => seal(series, block),
    'JSON.stringify': () => JSON.stringify(rows),
    'cbor-x': () => cbor.encode(rows),
  });
  const decode = timeNs({
    ours: () => native.decodeBlock(bytes),
    'JSON.parse': () => JSON.parse(text),
    'cbor-x': () => cbor.decode(binary),
  });
  return [...speed('encode', encode, rows.length), ...speed('decode', decode, rows.length)];
}

function speed(
  what: string,
  { ours, ...peers }: Readonly<Record<string, number>>,
  rows: number,
): readonly Figure[] {
  return Object.entries(peers).map(([name, value]) => ({
    what,
    unit: 'ns/reading',
    better: 'less',
    ours: (ours ?? Number.NaN) / rows,
    peer: { name, value: value / rows },
  }));
}

function seal(series: Series, block: NativeRows): Uint8Array {
  const columns = series.channels.map((channel) => channel.type);
  return native.encodeBlock(
    header,
    columns.map((type) => (type.kind === 'enum' ? { kind: 'enum' } : type)),
    block,
  );
}

function senml({ channels }: Series, block: NativeRows) {
  const time = { kind: 'absolute', wallNs: (timeNs: bigint) => 1_700_000_000_000_000_000n + timeNs } as const;
  return senmlPack(header.node, { stream: header.stream, channels }, block, time);
}

function rowsOf({ channels }: Series, block: NativeRows): readonly Record<string, number>[] {
  return Array.from(block.timesNs, (timeNs, row) => ({
    time: Number(timeNs),
    ...Object.fromEntries(channels.map(({ name }, i) => [name, block.values[row * channels.length + i]!])),
  }));
}

function columnsOf(series: Series, block: NativeRows): Record<string, number[]> {
  const rows = rowsOf(series, block);
  const names = Object.keys(rows[0]!);
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name]!)]));
}
