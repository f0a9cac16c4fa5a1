import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { runCommand } from '../../runtime/console/table.js';
import { callingOf } from '../support/calling.js';
import { type HeardPublish, StubBroker } from '../support/stub-broker.js';
import { TestNode } from './harness.js';

const nodeFile = (url: string, more = '') => `
node: at-the-roadside
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76 } }
store: { path: STORE, size: 16 MB }
uplink: { url: "${url}"${more} }
`;

async function call(
  node: TestNode,
  change: Parameters<typeof callingOf>[1] = {},
  words: readonly string[] = [],
) {
  const out: string[] = [];
  const err: string[] = [];
  const said = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const exit = await runCommand(
    ['uplink', 'test', '--config', node.configFile, ...words],
    callingOf(said, change),
  );
  return { exit, out, err };
}

async function rig(t: TestContext, more?: string) {
  const stub = await StubBroker.start();
  const node = new TestNode(nodeFile(stub.url, more));
  t.after(async () => {
    await node.remove();
    stub.close();
  });
  return { stub, node };
}

test('a running node tests its link: an event of its own is followed to its receipt, and no other block’s', {
  timeout: 120_000,
}, async (t) => {
  const { stub, node } = await rig(t);
  const held: HeardPublish[] = [];
  let holdsEvents = true;
  stub.onPublish = (publish) => {
    if (holdsEvents && publish.topic.endsWith('/event/events')) held.push(publish);
    else publish.puback(0);
  };
  node.start();
  await node.until('online', ({ uplink }) => uplink!.receipts > 0);
  const testing = call(node, {}, ['--json']);
  const before = (await node.status())!.uplink!.receipts;
  // Others get theirs meanwhile.
  await node.until('receipts', ({ uplink }) => held.length > 0 && uplink!.receipts > before);
  holdsEvents = false;
  for (const publish of held) publish.puback(0);
  const { exit, out } = await testing;
  const results = out.map((line) => JSON.parse(line));
  assert.equal(exit, 0, out.join('\n'));
  assert.deepEqual(
    results.map(({ step, outcome }) => [step, outcome].join(' ')),
    [...['interface', 'dns', 'tcp', 'tls', 'mqtt', 'publish', 'receipt'].map((step) => `${step} ok`), ' '],
  );
  assert.match(results[6].text, /^events 0 is kept, and the broker has it/);
  assert.ok(results[7].sentBytes > 0 && results[7].receivedBytes > 0);
  assert.equal((await node.status())!.uplink!.connects, 1, 'the node was not thrown off');
});

test('what fails is said with what to do; what was not reached too; without a node there is no receipt to wait for', {
  timeout: 120_000,
}, async (t) => {
  const { stub, node } = await rig(t);
  const alone = await call(node);
  assert.equal(alone.exit, 0, alone.out.join('\n'));
  assert.match(alone.out.join('\n'), /receipt +left out: no node runs/);
  assert.ok(alone.out.every(({ length }) => length <= 80));
  stub.close();
  const refused = await call(node);
  assert.equal(refused.exit, 1);
  const text = refused.out.join('\n');
  assert.match(text, /tcp +\d+ ms {2}FAILED: connect ECONNREFUSED/);
  // In the words of `why` for the same cause (test/health/why).
  assert.match(
    text.replace(/\s+/g, ' '),
    /do: the machine answers and nobody listens, or no route leads there/,
  );
  for (const step of ['tls', 'mqtt', 'publish', 'receipt'])
    assert.match(text, new RegExp(`^${step} +not reached$`, 'm'));
});

test('Ctrl-C ends it within 200 ms, and a budget is asked for first', { timeout: 120_000 }, async (t) => {
  const mute = createServer((socket) => socket.on('error', () => undefined));
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  t.after(() => mute.close());
  const url = `mqtt://127.0.0.1:${(mute.address() as AddressInfo).port}`;
  const links = ', links: { sat: { interface: "wwan*", budget: 50 MB/day } }';
  const node = new TestNode(nodeFile(url, links));
  t.after(() => node.remove());
  const stop = new AbortController();
  mute.once('connection', () => setTimeout(() => stop.abort(), 50));
  let stoppedMs = 0;
  stop.signal.addEventListener('abort', () => {
    stoppedMs = performance.now();
  });
  const { exit, err } = await call(node, { signal: stop.signal });
  const feltMs = performance.now() - stoppedMs;
  t.diagnostic(`felt after ${feltMs.toFixed(0)} ms`);
  assert.ok(feltMs < 2000, 'and not at the deadline of the step, 10 s');
  assert.deepEqual([exit, err], [1, ['interrupted']]);

  const terminal = { ...callingOf({ out: () => 0, err: () => 0 }).terminal, interactive: true };
  for (const [answer, said] of [
    ['no', false],
    ['yes', true],
  ] as const) {
    const told: string[] = [];
    const again = new AbortController();
    const asked = {
      ...{ ...terminal, err: (line: string) => told.push(line), ask: async () => answer },
      out: (line: string) => {
        told.push(line);
        again.abort();
      },
    };
    assert.equal((await call(node, { terminal: asked, signal: again.signal })).exit, 1);
    assert.match(told[0]!, /^Links of this node have a budget \(sat\)\. The test takes some 8\.0 kB/);
    assert.equal(
      told.some((line) => line.startsWith('interface')),
      said,
    );
  }
});
