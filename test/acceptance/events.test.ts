import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from '../../runtime/console/table.js';
import { ask, controlPath } from '../../runtime/control.js';
import { EVENT_MAX_BYTES } from '../../runtime/events.js';
import { callingOf } from '../support/calling.js';
import { TestNode } from './harness.js';

const NODE_FILE = `
node: at-the-roadside
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76 } }
store: { path: STORE, size: 16 MB, commit: 10min, reserve: 10min }
`;

test('what was done by hand is on the disk when that is said: killed right after, it is in the store, whole', {
  timeout: 120_000,
}, async (t) => {
  const node = new TestNode(NODE_FILE);
  t.after(() => node.remove());
  node.start();
  await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
  const path = controlPath(node.storePath);
  const record = (text: string) => ask(path, 'event', { params: { kind: 'report', by: 'A. Roe', text } });
  const long = 'ä€😀 '.repeat(1500);
  assert.deepEqual(await record('short'), { stream: 'events', first: 0, last: 0 });
  assert.deepEqual(await record(long), { stream: 'events', first: 1, last: 4 });
  await assert.rejects(record('x'.repeat(EVENT_MAX_BYTES + 1)), /event could not be answered/);
  await node.stop('SIGKILL');

  const out: string[] = [];
  const words = ['store', 'export', '--format', 'csv', '--path', node.storePath];
  await runCommand(words, callingOf({ out: (text) => out.push(text), err: () => undefined }));
  const cells = out.map((line) => line.split(','));
  const texts = cells.filter((row) => row[3] === 'events' && row[8] === 'text').map((row) => row[9]);
  assert.equal(texts[0], 'short');
  assert.ok(texts.slice(1).join('') === long, `${texts.map((text) => text?.length)}`);
});
