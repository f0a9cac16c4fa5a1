import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DecodedBlock, native } from '../../native/index.js';
import { cases, HEADER } from './packet-cases.js';
import { projectFile } from './paths.js';
import { type Cell, referenceDecode } from './reference-decoder.js';

/** A cell of the C decoder in the terms of the other one: doubles as their bits. */
function cellOf(block: DecodedBlock, row: number, column: number): Cell {
  const at = row * block.columns.length + column;
  if (block.quality[at] === 3) return undefined;
  const text = block.texts?.[at];
  if (text !== undefined) return new Uint8Array(Buffer.from(text as string));
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, block.values[at]!);
  return view.getBigInt64(0);
}

function sameAsReference(bytes: Uint8Array): void {
  const block = native.decodeBlock(bytes);
  const reference = referenceDecode(bytes);
  const { node, epoch, stream, first, boot, descriptorVersion, byteLength } = reference;
  const { crc: _, count, ...header } = block.header;
  assert.deepEqual(header, {
    node,
    epoch,
    stream,
    first: Number(first),
    boot,
    descriptorVersion,
    byteLength,
  });
  assert.deepEqual([...block.timesNs], reference.timesNs);
  assert.equal(count, reference.timesNs.length);
  reference.columns.forEach((column, c) => {
    assert.equal(block.columns[c]!.kind, column.kind);
    column.cells.forEach((cell, row) => {
      const ours = cellOf(block, row, c);
      const wanted = typeof cell === 'bigint' ? BigInt.asIntN(64, cell) : cell && new Uint8Array(cell);
      assert.deepEqual(ours, wanted, `column ${c}, row ${row}`);
      assert.equal(block.quality[row * block.columns.length + c], reference.quality[c]![row]);
    });
  });
}

test('a decoder written from docs/wire-format.md alone reads the same from random blocks', () => {
  fc.assert(
    fc.property(cases(), (one) =>
      sameAsReference(native.encodeBlock({ ...HEADER, first: one.first }, one.columns, one.rows)),
    ),
    { numRuns: 300 },
  );
});

/** Columns made so that every way of keeping doubles is used; which one was is seen in the column byte. */
test('every encoding of doubles is met, and read the same', () => {
  const rows = 64;
  const makers: readonly [low: number, value: (row: number) => number][] = [
    [0, (row) => row * row],
    [3, (row) => (2000 + ((row * 7919) % 13)) / 1000],
    [10, (row) => (row % 5) * 0.1 + 0.2],
    [14, (row) => Math.fround(Math.sin(row / 40) + 1.25)],
    [15, (row) => Math.sin(Math.floor(row / 8) + 1) * 1e3],
  ];
  const values = Float64Array.from({ length: rows * makers.length }, (_, i) =>
    makers[i % makers.length]![1](Math.floor(i / makers.length)),
  );
  const bytes = native.encodeBlock(
    { ...HEADER, first: 0 },
    makers.map(() => ({ kind: 'f64' })),
    {
      timesNs: new BigInt64Array(rows),
      values,
      quality: new Uint8Array(values.length),
    },
  );
  const columnBytes = [...bytes.subarray(50 + HEADER.stream.length)].slice(0, makers.length);
  assert.deepEqual(
    columnBytes,
    makers.map(([low]) => low),
  );
  assert.deepEqual(native.decodeBlock(bytes).values, values);
  sameAsReference(bytes);
});

test('the worked example of docs/wire-format.md is what the encoder makes', () => {
  const text = readFileSync(projectFile('docs/wire-format.md'), 'utf8');
  const page = text.slice(text.indexOf('### 1.10 '), text.indexOf('## 2. '));
  const dump = [...page.matchAll(/^ {4}[0-9a-f]{2} ((?: [0-9a-f]{2})+)$/gm)]
    .map((match) => match[1])
    .join('');
  const expected = Buffer.from(dump.replaceAll(' ', ''), 'hex');
  const header = {
    node: '00112233aabbccdd',
    epoch: 'fedcba9876543210',
    stream: 'demo',
    first: 1000,
    boot: 3,
    descriptorVersion: 1,
  };
  const none = Number.NaN;
  const bytes = native.encodeBlock(
    header,
    [{ kind: 'decimal', scale: 2 }, { kind: 'f64' }, { kind: 'utf8' }],
    {
      timesNs: BigInt64Array.of(60_000_000_000n, 70_000_002_000n, 80_000_001_000n, 90_000_005_000n),
      values: Float64Array.of(21.5, 0.25, none, 21.53, 0.5, none, none, 0.75, none, 21.52, 1, none),
      quality: Uint8Array.of(0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0),
      texts: ['', '', 'on', '', '', 'off', '', '', 'off', '', '', 'on'],
    },
  );
  assert.equal(Buffer.from(bytes).toString('hex'), expected.toString('hex'));
  sameAsReference(bytes);
});
