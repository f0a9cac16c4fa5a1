import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../runtime/clock/index.js';
import { failure, type LinkFailure } from '../../runtime/uplink/failure.js';
import { mqttJs, type ServerLimits } from '../../runtime/uplink/index.js';
import { until } from '../support/until.js';
import { CONFIG } from './rig.js';

const TOPIC = 'cairn/1/0123456789abcdef/receipt';
const CONNECT = 0x10;
const SUBSCRIBE = 0x82;
const CONNACK = { 4: '20020000', 5: '2003000000' } as const;

interface Seen {
  readonly packets: Buffer[];
  readonly messages: [topic: string, payload: string][];
  readonly connected: ServerLimits[];
  down: LinkFailure | undefined;
}

/** MQTT by the byte (3.1.1 and 5, §3): a broker that answers CONNECT, and SUBSCRIBE as `answer` says; then the port over MQTT.js. */
async function portTo(protocol: 4 | 5, answer: (packetId: string, socket: Socket) => void) {
  const seen: Seen = { packets: [], messages: [], connected: [], down: undefined };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      // MQTT.js writes a packet in pieces: what begins like one is enough here.
      if (chunk[0] === CONNECT || chunk[0] === SUBSCRIBE) seen.packets.push(chunk);
      else seen.packets.push(Buffer.concat([seen.packets.pop() ?? Buffer.alloc(0), chunk]));
      const whole = seen.packets.at(-1)!;
      if (whole.length < whole[1]! + 2) return;
      if (whole[0] === CONNECT) socket.write(Buffer.from(CONNACK[protocol], 'hex'));
      if (whole[0] === SUBSCRIBE) answer(whole.subarray(2, 4).toString('hex'), socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const will = { topic: 'w', payload: Uint8Array.of(1), retain: false };
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const link = mqttJs({ ...CONFIG, url }, systemClock())(
    { protocol, clientId: '0123456789abcdef', will, subscribe: [TOPIC] },
    {
      connected: (limits) => {
        seen.connected.push(limits);
      },
      answered: () => undefined,
      strayAnswer: () => undefined,
      message: (topic, payload) => seen.messages.push([topic, Buffer.from(payload).toString()]),
      down: (why) => {
        seen.down = why;
      },
    },
  );
  const end = async () => {
    link.destroy(failure('closed', 'the test ends'));
    await until('it is down', () => seen.down !== undefined);
    server.close();
  };
  return { seen, end };
}

/** A PUBLISH of QoS 0 to the topic. */
function publish(protocol: 4 | 5, text: string): Buffer {
  const properties = protocol === 5 ? [0] : [];
  const body = [0, TOPIC.length, ...Buffer.from(TOPIC), ...properties, ...Buffer.from(text)];
  return Buffer.from([0x30, body.length, ...body]);
}

for (const protocol of [4, 5] as const) {
  const name = protocol === 5 ? 'MQTT 5' : 'MQTT 3.1.1';
  const suback = (id: string, code: string) =>
    Buffer.from(protocol === 5 ? `9004${id}00${code}` : `9003${id}${code}`, 'hex');

  test(`${name}: connected is told after the SUBACK, and messages come through`, async () => {
    let grant: (() => void) | undefined;
    const { seen, end } = await portTo(protocol, (id, socket) => {
      grant = () => socket.write(Buffer.concat([suback(id, '01'), publish(protocol, 'held')]));
    });
    try {
      await until('the SUBSCRIBE', () => grant !== undefined);
      assert.equal(seen.connected.length, 0, 'not before it is granted');
      const subscribe = seen.packets.at(-1)!;
      assert.ok(subscribe.includes(TOPIC));
      assert.equal(subscribe.at(-1)! & 3, 1, 'QoS 1');
      grant!();
      await until('the message', () => seen.messages.length > 0);
      assert.deepEqual(seen.messages, [[TOPIC, 'held']]);
      assert.deepEqual(
        seen.connected.map((one) => one.subscriptionRefusedWith),
        [undefined],
      );
    } finally {
      await end();
    }
  });

  test(`${name}: a refused SUBACK is told with its code, and the link stays for what is to be sent`, async () => {
    const code = protocol === 5 ? '87' : '80';
    const { seen, end } = await portTo(protocol, (id, socket) => socket.write(suback(id, code)));
    try {
      await until('connected', () => seen.connected.length > 0);
      assert.equal(seen.connected[0]!.subscriptionRefusedWith, Number.parseInt(code, 16));
      assert.equal(seen.down, undefined);
    } finally {
      await end();
    }
  });

  test(`${name}: a connection that ends before the SUBACK is down, never connected`, async () => {
    const { seen, end } = await portTo(protocol, (_id, socket) => socket.destroy());
    await until('it is down', () => seen.down !== undefined);
    assert.equal(seen.connected.length, 0);
    await end();
  });
}
