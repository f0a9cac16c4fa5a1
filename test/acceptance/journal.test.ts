import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openHere } from '../../runtime/console/journal/here.js';
import { runCommand } from '../../runtime/console/table.js';
import { controlPath } from '../../runtime/control.js';
import { callingOf } from '../support/calling.js';
import { TestNode } from './harness.js';

const NODE_FILE = `
node: at-the-roadside
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76 } }
store: { path: STORE, size: 16 MB }
`;
const ROE = { role: 'technician', name: 'A. Roe' } as const;

test('a real node signs the journal of its console; while it is down, the next console has it signed', {
  timeout: 120_000,
}, async (t) => {
  const node = new TestNode(NODE_FILE);
  t.after(() => node.remove());
  const state = join(node.folder, 'console');
  const said: string[] = [];
  const journalHere = () =>
    openHere(
      state,
      '/dev/ttyS0',
      () => controlPath(node.storePath),
      (text) => said.push(text),
    );
  const verified = async () => {
    const out: string[] = [];
    const words = ['journal', '--verify', '--state', state, '--config', node.configFile];
    const exit = await runCommand(words, callingOf({ out: (text) => out.push(text), err: assert.fail }));
    return [exit, ...out];
  };

  const first = journalHere();
  await first.append({ e: 'begin', ...ROE });
  await first.append({ e: 'end', ...ROE, why: 'hang-up' });
  assert.equal((await first.head()).signed, undefined);
  const unsigned = '  signed by the node up to 0; nothing vouches for the 2 after it';
  assert.deepEqual(await verified(), [0, 'ttyS0: entries 1 to 2 are whole', unsigned]);

  node.start();
  await node.until('it answers', () => true);
  const second = journalHere();
  assert.equal((await second.head()).signed?.number, 2);
  await second.append({ e: 'command', ...ROE, line: 'status', exit: 0, ms: 3 });
  assert.equal(await second.seal(), true);
  const whole = ['ttyS0: entries 1 to 5 are whole', '  signed by the node up to 4'];
  assert.deepEqual(await verified(), [0, ...whole]);
  assert.deepEqual(said, []);
});
