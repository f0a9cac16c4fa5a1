import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { until } from '../support/until.js';
import { realUplink } from '../uplink/real.js';

const MAIN = join(fileURLToPath(import.meta.url), '../../../fleet/receive/main.js');

test('the command prints rows, and the ledger at its end', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 200_000,
}, async () => {
  const broker = await startMosquitto();
  const ledger = join(broker.folder, 'ledger.jsonl');
  const child = spawn(process.execPath, [MAIN, '--url', broker.url, '--ledger', ledger, '--json']);
  let [out, said] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const { uplink, store } = realUplink({ url: broker.url });
  try {
    await until('subscribed', () => said.includes('connected'));
    const channels = [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }] as const;
    const value = { stream: 'climate', version: 1, title: 'Air', class: 'telemetry', channels } as const;
    store.commitMeta({ kind: 'descriptor', value });
    store.commit([{ class: 'telemetry', stream: 'climate', rows: 2 }]);
    uplink.start();
    await until('two rows', () => out.trim().split('\n').length === 2);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
    const [first, second, end] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(first.values, { temperature: 0 });
    assert.deepEqual([second.sequence, second.wall, second.boot], [1, null, 3]);
    const climate = end.ledger.find((one: { stream: string }) => one.stream === 'climate');
    assert.deepEqual([climate.received, climate.missing], [2, 0]);
  } finally {
    child.kill('SIGKILL');
    await uplink.stop(0);
    await broker.remove();
  }
});

test('wrong arguments: the help, and 2', async () => {
  const child = spawn(process.execPath, [MAIN, '--json']);
  const [code] = await once(child, 'exit');
  assert.equal(code, 2);
});
