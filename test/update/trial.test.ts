import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { runCommand } from '../../runtime/console/table.js';
import { type Bundle, leaveRequest, readBundle } from '../../runtime/update/index.js';
import { callingOf } from '../support/calling.js';
import { StubBroker } from '../support/stub-broker.js';
import { FastNode } from './fast-node.js';

const yamlOf = (port: number, every = '500ms') => `node: roadside
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76, every: ${every} } }
store: { path: STORE, size: 16 MB, commit: 200ms }
uplink: { url: 'mqtt://127.0.0.1:${port}' }
`;

async function setUp(t: TestContext): Promise<{ node: FastNode; broker: StubBroker }> {
  const broker = await StubBroker.start();
  const node = new FastNode(yamlOf(broker.port));
  t.after(async () => {
    await node.remove();
    broker.close();
  });
  return { node, broker };
}

/** The node file with another interval, as a file of its own. */
function otherFile(node: FastNode, every: string): string {
  const path = join(node.folder, 'other.yaml');
  writeFileSync(path, readFileSync(node.configFile, 'utf8').replace('500ms', every));
  return path;
}

function apply(node: FastNode, path: string, minutes: number): Bundle {
  const { bundle } = readBundle(path);
  leaveRequest(node.places.inbox, { kind: 'apply', id: randomUUID(), by: 'technician kim', bundle, minutes });
  return bundle;
}

async function cairn(node: FastNode, words: readonly string[], typed: readonly string[] = []) {
  const [out, err]: [string[], string[]] = [[], []];
  const said = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const calling = callingOf(said, { caller: { role: 'technician', name: 'kim' }, typed });
  const code = await runCommand([...words, '--config', node.configFile], calling);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('a configuration on a real node', { concurrency: 2 }, () => {
  test('applied by the command, it runs in the same process, is confirmed by a receipt, and outlives kill -9', {
    timeout: 120_000,
  }, async (t) => {
    const { node } = await setUp(t);
    node.begin();
    await node.untilReport('it runs', ({ state }) => state === 'file');
    const { pid } = node;
    const said = await cairn(node, ['config', 'apply', otherFile(node, '1s'), '--minutes', '2']);
    assert.equal(said.code, 0, said.err);
    assert.match(said.out, /^- parts: .*500ms/m);
    assert.match(said.out, /^\+ parts: .*1s/m);
    assert.match(said.out, /is on trial for 2 min, by technician kim/);
    const { lastOutcome, sha256 } = await node.untilReport(
      'it is confirmed',
      ({ state }) => state === 'good',
    );
    assert.deepEqual(
      [lastOutcome?.what, lastOutcome?.why, lastOutcome?.sha256],
      ['confirmed', 'receipt', sha256],
    );
    assert.equal(node.pid, pid, 'no other process');
    await node.stop('SIGKILL');
    node.begin();
    const status = await node.until('it samples', ({ parts }) => parts[0]!.samples > 0);
    assert.deepEqual([status.config?.state, status.parts[0]!.intervalMs], ['good', 1_000]);
    const shown = await cairn(node, ['config', 'show']);
    assert.match(shown.out, /applied and confirmed/);
    assert.match(shown.out, /every: 1s/);
    const back = await cairn(node, ['config', 'revert', '--base']);
    assert.equal(back.code, 0, back.err);
    await node.untilReport('the node file runs', ({ state }) => state === 'file');
    assert.equal(await node.stop(), 0);
    assert.match((await cairn(node, ['config', 'show', '--brief'])).out, /No process answers/);
  });

  test('pasted, and confirmed by a technician; what is wrong changes nothing', {
    timeout: 120_000,
  }, async (t) => {
    const { node } = await setUp(t);
    node.begin();
    await node.untilReport('it runs', ({ state }) => state === 'file');
    const text = readFileSync(otherFile(node, '2s'), 'utf8');
    const wrong = await cairn(
      node,
      ['config', 'apply', '-'],
      [...text.replace('twin', 'twn').split('\n'), '.'],
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /node\.yaml:3:8: board twn.*\nNothing was changed/s);
    const long = await cairn(node, ['config', 'apply', '-'], ['x'.repeat(1024), '.']);
    assert.match(long.err, /line 1 has 1024 characters or more/);
    const said = await cairn(
      node,
      ['config', 'apply', '-', '--minutes', '120'],
      [...text.split('\n'), '.', 'no'],
    );
    assert.equal(said.code, 0, said.err);
    await node.untilReport('it is on trial', ({ state }) => state === 'trial');
    const confirmed = await cairn(node, ['config', 'confirm']);
    assert.match(confirmed.out + confirmed.err, /was confirmed: .*|not on trial/);
    const { state, lastOutcome } = await node.untilReport('it is good', (report) => report.state === 'good');
    assert.deepEqual([state, lastOutcome?.what], ['good', 'confirmed']);
  });

  test('three crashes in a row, under a service manager: the one before, the node file, safe mode; then a new one', {
    timeout: 200_000,
  }, async (t) => {
    const { node } = await setUp(t);
    const environment = { NOTIFY_SOCKET: '@cairn-nobody-listens' };
    node.begin(environment);
    await node.untilReport('it runs', ({ state }) => state === 'file', { environment });
    const bundle = apply(node, otherFile(node, '1s'), 2);
    await node.report();
    await node.untilReport('it is good', ({ state }) => state === 'good', { environment });
    writeFileSync(join(node.folder, 'crash'), '');
    await node.stop('SIGKILL');
    const left = await node.untilReport('the node file', ({ state }) => state === 'file', { environment });
    assert.deepEqual([left.lastOutcome?.why, left.lastOutcome?.sha256], ['crashed', bundle.sha256]);
    assert.match(left.lastOutcome!.text, /planted: it crashes/);
    const safe = await node.untilReport('safe mode', ({ state }) => state === 'safe', { environment });
    assert.match(safe.why ?? '', /3 starts of .*node\.yaml in a row.*planted: it crashes/);
    rmSync(join(node.folder, 'crash'));
    if (!node.running) node.begin(environment);
    const status = await node.until('it answers', ({ config }) => config?.state === 'safe');
    assert.deepEqual(status.parts, []);
    assert.match((await cairn(node, ['status'])).out, /SAFE MODE/);
    apply(node, otherFile(node, '700ms'), 2);
    await node.report();
    await node.untilReport('a new one is good', ({ state }) => state === 'good', { environment });
    assert.equal(await node.stop(), 0);
  });
});
