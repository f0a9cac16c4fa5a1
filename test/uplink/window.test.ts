import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarm, rig, telemetry, topics } from './rig.js';

test('blocks go in order of class and sequence; only a PUBACK of success frees one', async () => {
  const { store, port, clock, uplink, online } = rig();
  store.commit([{ class: 'log', stream: 'log' }, telemetry, telemetry, alarm]);
  await online();
  const sent = port.take();
  assert.deepEqual(topics(sent), ['alarm/sos', 'telemetry/climate', 'telemetry/climate', 'log/log']);
  assert.deepEqual(store.disposed, []);
  port.answer(sent[2]!);
  await clock.advance(0);
  assert.deepEqual(store.disposed, [
    { position: { class: 'telemetry', commit: 1, index: 2 }, kind: 'receipt' },
  ]);
  assert.equal(uplink.status().receipts, 1);
  assert.equal(uplink.status().inFlight, 3);
});

test('whoever listens hears of each block as it gets its receipt, until they stop', async () => {
  const { store, port, clock, uplink, online } = rig();
  store.commit([telemetry]);
  store.commit([{ class: 'log', stream: 'log' }]);
  store.commit([alarm]);
  store.commit([{ class: 'log', stream: 'log' }]);
  await online();
  const answered = async (topic: string) => {
    port.answer(sent.find((one) => one.topic.endsWith(topic))!);
    await clock.advance(0);
  };
  const heard: unknown[] = [];
  const stop = uplink.onReceived((blocks) => {
    for (const { stream, position } of blocks) heard.push([stream, position.commit]);
  });
  const sent = port.take();
  await answered('alarm/sos');
  await answered('log/log');
  assert.deepEqual(heard, [
    ['sos', 3],
    ['log', 2],
  ]);
  stop();
  await answered('telemetry/climate');
  assert.equal(heard.length, 2);
});

test('the window is the smaller of ours and the server’s', async () => {
  const { store, port, clock, uplink, online } = rig({ window: 10 });
  store.commit(Array.from({ length: 30 }, () => telemetry));
  await online({ receiveMaximum: 4 });
  assert.equal(uplink.status().window, 4);
  const sent = port.take();
  assert.equal(sent.length, 4);
  port.answer(sent[0]!);
  await clock.advance(0);
  assert.equal(port.take().length, 1);
});

test('a publish without an answer ends the link; nothing is freed, all is sent again', async () => {
  const { store, port, clock, uplink, online } = rig();
  store.commit([telemetry, telemetry]);
  await online();
  assert.equal(port.take().length, 2);
  await clock.advance(4_900);
  assert.equal(port.last.destroyed, false);
  await clock.advance(200);
  assert.equal(port.last.destroyed, true);
  assert.deepEqual(store.disposed, []);
  const { link, refusals } = uplink.status();
  assert.equal(link.state, 'waiting');
  assert.match(link.state === 'waiting' ? link.reason : '', /^deadline:/);
  assert.equal(refusals.deadline, 1);
  await clock.advance(2_000);
  assert.equal(port.links.length, 2);
  port.accept();
  await clock.advance(0);
  assert.deepEqual(topics(port.take()), ['status', 'telemetry/climate', 'telemetry/climate']);
});

test('a slow link that still answers is not a dead one, but an answer that was overtaken is lost', async () => {
  const { store, port, clock, online } = rig({ window: 3 });
  store.commit([telemetry, telemetry, telemetry]);
  await online();
  const [a, b, c] = port.take();
  await clock.advance(4_000);
  port.answer(a!);
  await clock.advance(4_000);
  assert.equal(port.last.destroyed, false);
  port.answer(c!);
  await clock.advance(1);
  assert.equal(port.last.destroyed, true, 'b was sent 8 s ago and c was answered before it');
  assert.ok(b);
});

test('answers to nothing are counted', async () => {
  const { store, port, uplink, online } = rig();
  store.commit([telemetry]);
  await online();
  port.last.events.answered(9999, 0);
  port.last.events.strayAnswer();
  assert.equal(uplink.status().refusals.unknownId, 2);
  assert.equal(store.left.length, 1);
});
