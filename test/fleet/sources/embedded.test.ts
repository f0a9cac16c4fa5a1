import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connectAsync } from 'mqtt';
import {
  type EmbeddedBroker,
  type EmbeddedBrokerOptions,
  embeddedBroker,
} from '../../../fleet/sources/index.js';
import { receiptTopic, statusTopic } from '../../../wire/index.js';
import { makeCa } from '../../support/broker.js';
import { until } from '../../support/until.js';
import { block, NODE } from '../ingest/messages.js';
import { packet, RawMqtt } from './raw-mqtt.js';

const OTHER = 'ffffffffffffffff';
const CONNACK = '20020000';
const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

interface Rig {
  readonly broker: EmbeddedBroker;
  readonly taken: string[];
  readonly turnedAway: string[];
}

async function rig(options: Partial<EmbeddedBrokerOptions> = {}): Promise<Rig> {
  const taken: string[] = [];
  const turnedAway: string[] = [];
  const broker = await embeddedBroker({
    ...{ host: '127.0.0.1', port: 0, authorize: () => true },
    take: async (topic) => {
      taken.push(topic);
      return { kind: 'held' };
    },
    onTurnedAway: (_, why) => turnedAway.push(why),
    ...options,
  });
  open.push(broker);
  return { broker, taken, turnedAway };
}

async function raw({ broker }: Rig, id = NODE, will?: { topic: string; payload: string }): Promise<RawMqtt> {
  const client = await RawMqtt.open(broker.port);
  open.push({ close: () => client.socket.destroy() });
  client.connect(id, will);
  await until('an answer', () => client.heard.length > 0 || client.isClosed);
  return client;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('no PUBACK goes out before take has resolved, and then at once', async () => {
  let hold: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    hold = resolve;
  });
  const all = await rig({ take: () => held.then(() => ({ kind: 'held' })) });
  const client = await raw(all);
  assert.deepEqual(client.heard, [CONNACK]);
  const { topic, payload } = block(0, [1]);
  client.publish(topic, payload, 7);
  await wait(200);
  assert.deepEqual(client.heard, [CONNACK], 'a PUBACK before it was held');
  hold();
  await until('the PUBACK', () => client.heard.length === 2);
  assert.equal(client.heard[1], '40020007');
});

test('where take rejects there is no PUBACK: the connection ends, and the node keeps its block', async () => {
  const all = await rig({ take: () => Promise.reject(new Error('no room')) });
  const client = await raw(all);
  const { topic, payload } = block(0, [1]);
  client.publish(topic, payload, 7);
  await until('the connection is closed', () => client.isClosed);
  assert.deepEqual(client.heard, [CONNACK]);
  assert.deepEqual(all.turnedAway, ['no room']);
});

test('a client writes below its own id only', async () => {
  for (const topic of [
    `cairn/1/${OTHER}/telemetry/climate`,
    receiptTopic(NODE),
    `senml/${OTHER}`,
    `tracker/${NODE}`,
    '$SYS/x',
  ]) {
    const all = await rig();
    const client = await raw(all);
    client.publish(topic, Buffer.from('x'), 1);
    await until(`${topic} is refused`, () => client.isClosed);
    assert.deepEqual([client.heard, all.taken], [[CONNACK], []], topic);
  }
});

test('it reads its own receipts only, and gets them', async () => {
  const all = await rig();
  const client = await raw(all);
  for (const [at, filter] of [
    '#',
    'cairn/1/+/receipt',
    receiptTopic(OTHER),
    `$share/x/${receiptTopic(NODE)}`,
  ].entries())
    client.subscribe(filter, at + 1);
  client.subscribe(receiptTopic(NODE), 9);
  await until('the SUBACKs', () => client.heard.length === 6);
  const granted = client.heard
    .slice(1)
    .map((suback) => suback.slice(4))
    .sort();
  assert.deepEqual(granted, ['000180', '000280', '000380', '000480', '000901']);
  all.broker.publish(receiptTopic(OTHER), Buffer.from('no'));
  all.broker.publish(receiptTopic(NODE), Buffer.from('yes'));
  await until('the receipt', () => client.heard.length === 7);
  assert.ok(client.heard[6]?.endsWith(Buffer.from('yes').toString('hex')));
});

test('ids that are no level of a topic, and those that authorize refuses, are not let in', async () => {
  const all = await rig({ authorize: ({ id }) => id !== OTHER });
  for (const [id, code] of [
    ['a/b', '02'],
    ['a+', '02'],
    ['', '02'],
    [OTHER, '05'],
  ] as const) {
    const client = await raw(all, id);
    assert.deepEqual(client.heard, [`200200${code}`], id);
  }
  assert.equal(all.broker.clients, 0);
});

test('the last will reaches take when a node goes without a word', async () => {
  const all = await rig();
  const client = await raw(all, NODE, { topic: statusTopic(NODE), payload: '{"state":"offline"}' });
  client.socket.resetAndDestroy();
  await until('the will', () => all.taken.includes(statusTopic(NODE)));
});

test('a packet that is too long ends its connection at its head', async () => {
  const all = await rig();
  const client = await raw(all);
  client.socket.write(packet(0x32, Buffer.alloc(2 << 20)).subarray(0, 100));
  await until('it is closed', () => client.isClosed);
  assert.match(all.turnedAway.join(), /an MQTT packet of 2097152 bytes/);
  const large = await raw(all);
  large.publish(`senml/${NODE}`, Buffer.alloc(1 << 20), 1);
  await until('1 MiB is taken', () => all.taken.length === 1);
});

test('bytes that are no MQTT, and clients beyond the bound, harm nobody', async () => {
  const all = await rig({ maxClients: 3 });
  const good = await raw(all);
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\xff\xff\xff\xff\xff\xff\xff', '\x30\x03\x00\x01x']) {
    const client = await RawMqtt.open(all.broker.port);
    client.socket.end(Buffer.from(bytes, 'latin1'));
    await until('it is closed', () => client.isClosed);
  }
  const more = await Promise.all(Array.from({ length: 5 }, () => RawMqtt.open(all.broker.port)));
  await until('three are too many', () => more.filter(({ isClosed }) => isClosed).length === 3);
  const { topic, payload } = block(0, [1]);
  good.publish(topic, payload, 3);
  await until('the good one is served', () => good.heard.includes('40020003'));
  for (const { socket } of more) socket.destroy();
});

test('what a client has retained is its status, where that was taken, and nothing else', async () => {
  const all = await rig({
    readsAll: () => true,
    take: async (topic) =>
      topic === statusTopic(NODE)
        ? { kind: 'held' }
        : { kind: 'refusal', cause: 'topic', text: 'nothing comes there' },
  });
  const node = await raw(all);
  const topics = [statusTopic(NODE), `cairn/1/${NODE}/x/status`, statusTopic(OTHER)];
  for (const [at, topic] of topics.slice(0, 2).entries())
    node.publish(topic, Buffer.from('{}'), at + 1, 0x33);
  const other = await raw(all, OTHER);
  other.publish(topics[2]!, Buffer.alloc(100), 3, 0x33);
  await until('the PUBACKs', () => node.heard.length === 3 && other.heard.length === 2);
  const reader = await raw(all, 'reader');
  reader.subscribe('#', 1);
  await until('the SUBACK', () => reader.heard.some((one) => one.startsWith('90')));
  await wait(100);
  assert.deepEqual(
    reader.heard
      .filter((one) => one.startsWith('3'))
      .map((one) => topics.findIndex((topic) => one.includes(Buffer.from(topic).toString('hex')))),
    [0],
  );
});

test('with mTLS the CN of the certificate is the id, and no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-mtls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ca = makeCa(folder);
  const server = ca.issue('127.0.0.1');
  const node = ca.issue(NODE);
  const tls = {
    key: readFileSync(server.key),
    certificate: readFileSync(server.certificate),
    clientCa: readFileSync(ca.ca),
  };
  const { broker, taken } = await rig({ tls });
  const options = { ca: tls.clientCa, protocolVersion: 4 as const, reconnectPeriod: 0, keepalive: 30 };
  const url = `mqtts://127.0.0.1:${broker.port}`;
  const own = { key: readFileSync(node.key), cert: readFileSync(node.certificate) };
  const client = await connectAsync(url, { ...options, ...own, clientId: NODE });
  const { topic, payload } = block(0, [1]);
  await client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
  assert.deepEqual(taken, [topic]);
  await client.endAsync();
  await assert.rejects(connectAsync(url, { ...options, ...own, clientId: OTHER }), /Identifier rejected/i);
  await assert.rejects(connectAsync(url, { ...options, clientId: NODE }));
});

test('a port that is taken is said, and nothing of the broker holds the process then', async () => {
  const { broker } = await rig();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  await assert.rejects(rig({ port: broker.port }), /EADDRINUSE/);
  assert.equal(timers(), before);
});
