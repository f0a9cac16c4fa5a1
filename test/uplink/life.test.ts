import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rig, telemetry, topics } from './rig.js';

test('birth and last will are retained statuses of the node', async () => {
  const { port, online } = rig();
  const birth = await online();
  assert.equal(birth.topic, 'cairn/1/0123456789abcdef/status');
  assert.equal(birth.retain, true);
  const said = JSON.parse(new TextDecoder().decode(birth.payload));
  assert.deepEqual(said, {
    state: 'online',
    node: '0123456789abcdef',
    epoch: 'fedcba9876543210',
    boot: 3,
    software: '0.1.0',
    custody: 'broker',
    payloads: ['packet'],
  });
  const { will } = port.last.options;
  assert.equal(will.retain, true);
  assert.equal(JSON.parse(new TextDecoder().decode(will.payload)).state, 'offline');
});

test('a store that can’t be read is asked again', async () => {
  const { store, port, clock, online } = rig();
  store.failReads = true;
  store.commit([telemetry]);
  await online();
  await clock.advance(500);
  assert.equal(port.take().length, 0);
  store.failReads = false;
  await clock.advance(1_500);
  assert.equal(port.take().length, 1);
});

test('stop waits for answers, says stopped, and disconnects', async () => {
  const { store, port, clock, uplink, online } = rig();
  store.commit([telemetry]);
  await online();
  const stopped = uplink.stop(3_000);
  await clock.advance(100);
  assert.equal(port.last.ended, false);
  const sent = port.answerAll();
  assert.deepEqual(topics(sent), ['telemetry/climate', 'status']);
  assert.equal(JSON.parse(new TextDecoder().decode(sent[1]!.payload)).state, 'stopped');
  await clock.advance(100);
  await stopped;
  assert.equal(port.last.ended, true);
  assert.equal(store.left.length, 0);
  assert.equal(uplink.status().link.state, 'disabled');
});
