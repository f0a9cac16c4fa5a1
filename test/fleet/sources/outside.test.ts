import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { mqttSource } from '../../../fleet/sources/index.js';
import { freePort } from '../../support/broker.js';
import { until } from '../../support/until.js';

const mqttPacket: typeof import('mqtt-packet') = createRequire(import.meta.url)('mqtt-packet');
const NOT_AUTHORIZED = 0x87;

/** A broker that keeps the connection of whom it refuses a message (MQTT 5, 3.4.2.1), where mosquitto ends it; undefined: it doesn't answer. */
function serve(socket: Socket, isRefused: (topic: string) => boolean | undefined): void {
  const options = { protocolVersion: 5 };
  const parser = mqttPacket.parser(options);
  const say = (packet: Parameters<typeof mqttPacket.generate>[0]) =>
    socket.write(mqttPacket.generate(packet, options));
  parser.on('packet', (packet) => {
    if (packet.cmd === 'connect') say({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
    else if (packet.cmd === 'subscribe')
      say({ cmd: 'suback', messageId: packet.messageId!, granted: packet.subscriptions.map(() => 1) });
    if (packet.cmd !== 'publish') return;
    const refused = isRefused(packet.topic);
    if (refused === undefined) return;
    say({ cmd: 'puback', messageId: packet.messageId!, reasonCode: refused ? NOT_AUTHORIZED : 0 });
  });
  socket.on('data', (bytes) => parser.parse(bytes));
  socket.on('error', () => undefined);
}

async function rig(t: TestContext, isRefused: (topic: string) => boolean | undefined) {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket, isRefused);
  }).listen(port, '127.0.0.1');
  const states: [string, string][] = [];
  const source = mqttSource({
    ...{ url: `mqtt://127.0.0.1:${port}`, clientId: 'fleet' },
    take: async () => ({ kind: 'held' }),
    onState: (state, text) => states.push([state, text]),
  });
  t.after(async () => {
    await source.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await source.ready;
  const publish = (node: string) => source.publish(`cairn/1/${node}/receipt`, Buffer.from('x'));
  return { source, publish, states, sockets, server };
}

test('a receipt that the broker refuses is said, until one is taken again', async (t) => {
  const { publish, states, sockets } = await rig(t, (topic) => topic.includes('7766554433221100'));
  publish('0011223344556677');
  assert.equal(publish('7766554433221100'), true);
  await until('it is said', () => states.at(-1)?.[0] === 'closed');
  assert.match(states.at(-1)![1], /^cairn\/1\/7766554433221100\/receipt was not taken: .*Not authorized/);
  publish('0011223344556677');
  await until('it is over', () => states.at(-1)?.[0] === 'connected');
  assert.equal(sockets.size, 1);
});

test('a broker that answers a receipt no more, or is gone, holds up no stop', async (t) => {
  const { source, publish, sockets, server } = await rig(t, () => undefined);
  publish('0011223344556677');
  await until('it is there', () => sockets.size === 1);
  server.close();
  for (const socket of sockets) socket.destroy();
  const before = performance.now();
  await source.close();
  assert.ok(performance.now() - before < 2_500);
});
