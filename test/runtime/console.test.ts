import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../../runtime/console/table.js';
import { callingOf } from '../support/calling.js';

test('a store whose socket would be over 107 bytes is refused by check, run and status alike, exit code 2', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-console-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'node.yaml');
  const storeOf = (bytes: number) => `/x/${'s'.repeat(bytes - '/x/.sock'.length)}`;
  const said: string[] = [];
  const terminal = { out: () => undefined, err: (text: string) => said.push(text) };
  const call = async (command: string, bytes: number) => {
    const part = '{ driver: bme280, bus: i2c-1, address: 0x76 }';
    writeFileSync(
      file,
      `node: n\nboard: twin\nparts: { climate: ${part} }\nstore: { path: ${storeOf(bytes)} }\n`,
    );
    return runCommand([command, '--config', file], callingOf(terminal));
  };
  for (const command of ['check', 'run', 'status']) {
    assert.equal(await call(command, 108), 2, command);
    assert.match(said.pop()!, /node\.yaml: store\.path: .*: 108 bytes, .* 107 at most/);
  }
  assert.equal(await call('check', 107), 0);
  assert.equal(await call('status', 107), 1, 'well formed, and nobody runs there');
  assert.match(said.pop()!, /no node runs/);
});
