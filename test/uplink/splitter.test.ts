import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Packet } from 'mqtt-packet';
import { Publisher } from '../../runtime/uplink/publisher.js';
import { Splitter } from '../../runtime/uplink/splitter.js';

// The library's own encoder and parser are what ours is held against.
const mqttPacket: typeof import('mqtt-packet') = createRequire(import.meta.url)('mqtt-packet');

const settle = () => new Promise((resolve) => setImmediate(resolve));

function parsed(bytes: Uint8Array, protocolVersion: 4 | 5): Packet[] {
  const packets: Packet[] = [];
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on('packet', (packet) => packets.push(packet));
  parser.parse(Buffer.from(bytes));
  return packets;
}

const message = fc.record({
  topic: fc.stringMatching(/^[a-z0-9/.-]{1,200}$/),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 1, max: 40_000 }).map((n) => new Uint8Array(n)),
  ),
  retain: fc.boolean(),
});

test('publishes are the bytes that a library reads back, all of a turn in one write', async () => {
  const property = fc.asyncProperty(
    fc.array(message, { minLength: 1, maxLength: 8 }),
    fc.constantFrom(4, 5),
    async (messages, protocol) => {
      const written: Uint8Array[] = [];
      const publisher = new Publisher(protocol, (bytes) => written.push(bytes));
      const ids = messages.map((one) => publisher.publish(one));
      await settle();
      assert.equal(written.length, 1);
      const packets = parsed(written[0]!, protocol);
      assert.deepEqual(
        packets.map(
          (one) =>
            one.cmd === 'publish' && [
              one.topic,
              one.retain,
              one.qos,
              one.messageId,
              Buffer.from(one.payload).toString('hex'),
            ],
        ),
        messages.map(({ topic, retain, payload }, i) => [
          topic,
          retain,
          1,
          ids[i],
          Buffer.from(payload).toString('hex'),
        ]),
      );
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('no packet id is used twice at once, and they begin anew after 65,535', () => {
  const publisher = new Publisher(5, () => undefined);
  const one = { topic: 't', payload: new Uint8Array(1), retain: false };
  const first = publisher.publish(one);
  for (let i = 0; i < 70_000; i++) {
    const id = publisher.publish(one);
    assert.ok(id !== first && id > 0 && id <= 65_535);
    assert.ok(publisher.answered(id));
  }
  assert.ok(publisher.answered(first) && !publisher.answered(first));
  assert.equal(publisher.isAwaited, false);
});

type Inbound = { readonly puback: number; readonly code: number } | { readonly publish: number };

const inbound: fc.Arbitrary<Inbound> = fc.oneof(
  fc.record({ puback: fc.integer({ min: 1, max: 65_535 }), code: fc.constantFrom(0, 0, 0x10, 0x97) }),
  fc.record({ publish: fc.integer({ min: 0, max: 3_000 }) }),
);

function bytesOf(one: Inbound): Buffer {
  if ('publish' in one) {
    const payload = Buffer.alloc(one.publish, 0x40);
    return mqttPacket.generate(
      { cmd: 'publish', topic: '@', payload, qos: 0, dup: false, retain: false },
      { protocolVersion: 5 },
    );
  }
  return mqttPacket.generate(
    { cmd: 'puback', messageId: one.puback, reasonCode: one.code },
    { protocolVersion: 5 },
  );
}

test('however the bytes are cut, PUBACKs are taken out and the rest is the library’s, byte by byte', async () => {
  const property = fc.asyncProperty(
    fc.array(inbound, { maxLength: 30 }),
    fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
    async (packets, cuts) => {
      const tcp = new PassThrough();
      const answers: [number, number][] = [];
      const splitter = new Splitter(tcp as unknown as Socket, {
        heard: () => undefined,
        puback: (id, code) => answers.push([id, code]),
      });
      const passed: Buffer[] = [];
      splitter.on('data', (chunk: Buffer) => passed.push(chunk));
      const connack = Buffer.from([0x20, 3, 0, 0, 0]);
      tcp.write(connack);
      await settle();
      splitter.begin();
      const all = Buffer.concat(packets.map(bytesOf));
      for (let at = 0, i = 0; at < all.length; i++) {
        const end = at + cuts[i % cuts.length]!;
        tcp.write(all.subarray(at, end));
        at = end;
        if (i % 40 === 0) await settle();
      }
      await settle();
      await settle();
      assert.deepEqual(
        answers,
        packets.flatMap((one) => ('puback' in one ? [[one.puback, one.code]] : [])),
      );
      const others = packets.filter((one) => 'publish' in one).map(bytesOf);
      assert.deepEqual(Buffer.concat(passed), Buffer.concat([connack, ...others]));
    },
  );
  await fc.assert(property, { numRuns: 100 });
});
