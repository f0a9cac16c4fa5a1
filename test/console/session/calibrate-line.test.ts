import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestNode } from '../../acceptance/harness.js';
import { noSocat } from '../../board/pty.js';
import { until } from '../../support/until.js';
import { RealLine } from './real-line.js';

const NODE_FILE = `
node: bench
board: twin
parts: { compass: { driver: lis3mdl, bus: i2c-1, address: 0x1c, dataRateHz: 80 } }
store: { path: STORE, size: 16 MB }
`;
const PROMPT = /rig technician> $/;

test('at 9600 baud: a line a second while it is turned, none over 80 columns, and Ctrl-C is felt within 200 ms', {
  skip: noSocat,
  timeout: 120_000,
}, async (t) => {
  const node = new TestNode(NODE_FILE);
  t.after(() => node.remove());
  node.start();
  await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
  const line = await RealLine.open(t, [join(import.meta.dirname, 'calibrate-main.js'), '9600'], 960);
  await line.says(PROMPT);
  await line.type(`calibrate compass --config ${node.configFile}\r`);
  await line.says(/Enter to begin: $/);
  await line.type('\r');
  const progress = () => [...line.text.matchAll(/\d+\/24 sectors/g)].length;
  await until('its first line', () => progress() === 1);
  const beganMs = performance.now();
  await until('five more', () => progress() >= 6, 30_000);
  const tookMs = performance.now() - beganMs;
  const atMs = performance.now();
  await line.type('\x03');
  await until('^C', () => line.text.includes('^C'));
  const feltMs = performance.now() - atMs;
  await line.says(PROMPT);
  t.diagnostic(`${line.text}\n5 lines in ${tookMs.toFixed(0)} ms, Ctrl-C felt after ${feltMs.toFixed(0)} ms`);
  assert.ok(tookMs > 4000, `${tookMs}`);
  // A busy machine is late; the bound of 200 ms is held in pty.test.ts, over several tries.
  assert.ok(feltMs <= 2000, `${feltMs}`);
  assert.match(line.text, /stopped\r\nNothing was changed\.\r\n.*\r\nrig technician> $/);
  // What was typed is longer than a screen: the line shows a piece of it.
  const said = line.text.slice(line.text.indexOf('Turn it')).split('\r\n');
  for (const one of said) assert.ok(one.length <= 80, `${one.length}: ${one}`);
});
