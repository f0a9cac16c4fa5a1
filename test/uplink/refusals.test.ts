import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarm, rig, telemetry } from './rig.js';

test('no subscriber is no receipt: all is kept, one probe at a time with growing pauses', async () => {
  const { store, port, clock, log, uplink, online } = rig();
  store.commit(Array.from({ length: 5 }, () => telemetry));
  await online();
  assert.equal(port.answerAll(0x10).length, 5);
  await clock.advance(900);
  assert.equal(port.take().length, 0);
  let probes = 0;
  for (let i = 0; i < 60; i++) {
    await clock.advance(1_000);
    const sent = port.answerAll(0x10);
    assert.ok(sent.length <= 1);
    probes += sent.length;
  }
  assert.ok(probes >= 3 && probes < 12, `${probes} probes in a minute`);
  assert.equal(store.left.length, 5);
  assert.deepEqual(store.disposed, []);
  assert.ok(uplink.status().refusals.noSubscriber! >= 8);
  assert.ok(log.filter((line) => /nobody to give it to/.test(line)).length <= 2);
  for (let i = 0; i < 60 && store.left.length > 0; i++) {
    await clock.advance(1_000);
    port.answerAll();
  }
  assert.equal(store.left.length, 0, 'sent once somebody listens');
});

test('a new alarm is tried soon, however long its class has been refused', async () => {
  const { store, port, clock, online } = rig({ backoffMaxMs: 600_000 });
  store.commit([alarm]);
  await online();
  for (let i = 0; i < 2_000; i++) {
    port.answerAll(0x10);
    await clock.advance(1_000);
  }
  port.take();
  store.commit([alarm]);
  await clock.advance(1_100);
  assert.equal(port.take().length, 1);
});

test('a refusal for good is a dead letter, and the line moves on', async () => {
  for (const [code, reason] of [
    [0x90, 'topicInvalid'],
    [0x95, 'packetTooLarge'],
    [0x99, 'payloadInvalid'],
  ] as const) {
    const { store, port, clock, log, uplink, online } = rig({ window: 1 });
    store.commit([telemetry, telemetry]);
    await online();
    port.answer(port.take()[0]!, code);
    await clock.advance(0);
    assert.deepEqual(store.disposed, [
      { position: { class: 'telemetry', commit: 1, index: 0 }, kind: 'rejected', reason },
    ]);
    assert.equal(port.take().length, 1);
    assert.equal(uplink.status().rejected, 1);
    assert.ok(log.some((line) => line.startsWith('error') && line.includes('climate 0 to 0')));
  }
});

test('a block that the broker could never take is not sent', async () => {
  const { store, port, online } = rig();
  store.commit([{ ...telemetry, rows: 500 }, telemetry]);
  await online({ maximumPacketBytes: 400 });
  assert.equal(port.take().length, 1);
  assert.equal(store.disposed[0]?.kind, 'rejected');
});

test('rotten bytes are a dead letter: no receiver could read them', async () => {
  const { store, port, clock, online } = rig();
  const [bad] = store.commit([telemetry, telemetry]);
  store.rot(bad!);
  await online();
  await clock.advance(0);
  assert.equal(port.take().length, 1);
  assert.match(String(JSON.stringify(store.disposed[0])), /rejected.*broken/);
});

test('a block that is refused for no clear reason is kept, and blocks nobody', async () => {
  const { store, port, clock, online } = rig();
  const blocks = store.commit(Array.from({ length: 4 }, () => telemetry));
  await online();
  const poison = blocks[1]!.bytes;
  const answer = () => {
    for (const one of port.take()) port.answer(one, Buffer.compare(one.payload, poison) === 0 ? 0x83 : 0);
  };
  for (let i = 0; i < 100; i++) {
    answer();
    await clock.advance(500);
  }
  assert.deepEqual(
    store.left.map((block) => block.header.first),
    [1],
  );
  store.commit([telemetry]);
  for (let i = 0; i < 10; i++) {
    await clock.advance(500);
    answer();
  }
  assert.deepEqual(
    store.left.map((block) => block.header.first),
    [1],
    'the new one passed the poison',
  );
});

test('quota and access refusals keep everything and say so', async () => {
  for (const [code, cause] of [
    [0x97, 'quota'],
    [0x87, 'notAuthorised'],
  ] as const) {
    const { store, port, clock, log, uplink, online } = rig();
    store.commit([telemetry]);
    await online();
    port.answerAll(code);
    await clock.advance(0);
    assert.equal(store.left.length, 1);
    assert.equal(uplink.status().refusals[cause], 1);
    assert.ok(log.some((line) => line.startsWith('warn')));
    await clock.advance(2_100);
    assert.equal(port.answerAll().length, 1);
    assert.equal(store.left.length, 0);
  }
});
