import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Channel, oneRow } from '../../drivers/contract/index.js';
import { rowCells } from '../../wire/index.js';

const CHANNELS: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 1 } },
  { name: 'mode', quantity: 'state', type: { kind: 'enum', labels: ['none', '2D'] } },
  { name: 'tag', quantity: 'identity', type: { kind: 'utf8' } },
  { name: 'raw', quantity: 'identity', type: { kind: 'bytes' } },
];

test('a row reads as its channels say: units, labels, hex; a fault has no value', () => {
  const rows = oneRow('s', 0n, [21.5, 1, 'E280', Uint8Array.of(0xca, 0xfe)]);
  assert.deepEqual(rowCells(rows, 0, 4, CHANNELS), [
    { channel: 'temperature', value: 21.5, unit: 'Cel', quality: 'good' },
    { channel: 'mode', value: '2D', unit: '', quality: 'good' },
    { channel: 'tag', value: 'E280', unit: '', quality: 'good' },
    { channel: 'raw', value: 'cafe', unit: '', quality: 'good' },
  ]);
  const [cell] = rowCells(oneRow('s', 0n, [undefined, 0, '', '']), 0, 4, CHANNELS);
  assert.deepEqual(cell, { channel: 'temperature', value: null, unit: 'Cel', quality: 'fault' });
});

test('without a descriptor a row is still shown; a label that is not there leaves the code', () => {
  const rows = oneRow('s', 0n, [21.5, 7]);
  assert.deepEqual(
    rowCells(rows, 0, 2, undefined).map(({ channel, value }) => [channel, value]),
    [
      ['column0', 21.5],
      ['column1', 7],
    ],
  );
  assert.equal(rowCells(rows, 0, 2, CHANNELS)[1]!.value, 7);
});
