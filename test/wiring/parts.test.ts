import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../../runtime/console/table.js';
import { callingOf } from '../support/calling.js';
import { i2cTwin, wiredBuses } from './support.js';

/** A node of a twin board whose bme280 is at the other address. */
async function nodeFile(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-parts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const buses = await wiredBuses(t, { 'i2c-1': { 119: i2cTwin('bme280'), 64: i2cTwin('ina219') } });
  const { device, pins } = buses['i2c-1']!;
  const board = { title: 'Bench', kind: 'twin', i2c: { 'i2c-1': { device, pins, timeout: '5s' } } };
  const parts = {
    climate: { driver: 'bme280', bus: 'i2c-1' },
    battery: { driver: 'ina219', bus: 'i2c-1' },
  };
  const node = { node: 'bench', board: './board.yaml', parts, store: { path: join(folder, 'store') } };
  writeFileSync(join(folder, 'board.yaml'), JSON.stringify(board));
  writeFileSync(join(folder, 'node.yaml'), JSON.stringify(node));
  return join(folder, 'node.yaml');
}

async function cairn(...words: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
  };
  return { code: await runCommand(words, callingOf(terminal)), out, err };
}

const LINE =
  'climate: i2c-1 0x76 (pins 3 and 5): expected bme280; found no answer there, and bme280 at 0x77; write address: 0x77, or strap the part to 0x76';

test('cairn parts: a table of all parts, then a line for each that is wired wrong', async (t) => {
  const said = await cairn('parts', '--config', await nodeFile(t));
  assert.deepEqual(said, {
    code: 1,
    out: [
      'climate          i2c-1 0x76                   noAcknowledge',
      'battery          i2c-1 0x40                   ok             INA219',
      LINE,
    ],
    err: [],
  });
});

test('cairn parts --json: the same, in fields', async (t) => {
  const said = await cairn('parts', '--json', '--config', await nodeFile(t));
  const [climate, battery] = said.out.map((line) => JSON.parse(line));
  assert.deepEqual([climate.id, climate.state, battery.state], ['climate', 'noAcknowledge', 'ok']);
  assert.deepEqual(climate.fault, {
    kind: 'otherAddress',
    parts: ['climate'],
    where: 'i2c-1 0x76 (pins 3 and 5)',
    expected: 'bme280',
    found: 'no answer there, and bme280 at 0x77',
    todo: 'write address: 0x77, or strap the part to 0x76',
    line: LINE,
  });
  assert.equal(battery.fault, undefined);
});
