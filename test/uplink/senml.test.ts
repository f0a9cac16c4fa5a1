import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rig, telemetry, topics } from './rig.js';

test('SenML beside packets: a block is freed when both are taken; an unanchored earlier boot goes as packet only', async () => {
  const { store, port, clock, online } = rig({ payloads: ['packet', 'senml+json'] });
  const channels = [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }] as const;
  store.descriptors.set('climate/1', {
    stream: 'climate',
    version: 1,
    title: '',
    class: 'telemetry',
    channels,
  });
  store.commit([telemetry, { ...telemetry, boot: 2 }]);
  await online();
  const sent = port.take();
  assert.deepEqual(topics(sent), ['telemetry/climate', 'senml/telemetry/climate', 'telemetry/climate']);
  port.answer(sent[0]!);
  await clock.advance(0);
  assert.equal(store.left.length, 2);
  port.answer(sent[1]!);
  port.answer(sent[2]!);
  await clock.advance(0);
  assert.equal(store.left.length, 0);
  const [record] = JSON.parse(new TextDecoder().decode(sent[1]!.payload));
  assert.deepEqual(record, { bn: `${store.node}/climate/`, bu: 'Cel', n: 'temperature', v: 0, t: 0 });
});

test('SenML alone holds rows of an earlier boot that no anchor reaches', async () => {
  const { store, port, uplink, online } = rig({ payloads: ['senml+json'] });
  const channels = [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }] as const;
  store.descriptors.set('climate/1', {
    stream: 'climate',
    version: 1,
    title: '',
    class: 'telemetry',
    channels,
  });
  store.commit([{ ...telemetry, boot: 2 }, telemetry]);
  await online();
  assert.equal(port.answerAll().length, 1);
  assert.equal(store.left.length, 1);
  assert.equal(uplink.status().refusals.held, 1);
});

test('SenML tells rows of an earlier boot that is anchored by their wall time', async () => {
  const { store, port, online } = rig({ payloads: ['senml+json'] });
  const channels = [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }] as const;
  store.descriptors.set('climate/1', {
    stream: 'climate',
    version: 1,
    title: '',
    class: 'telemetry',
    channels,
  });
  const wallNs = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
  store.timeOf = (_epoch, boot) =>
    boot === 2 ? { kind: 'known', wallNs, uncertaintyNs: 1n } : { kind: 'unknown' };
  store.commit([{ ...telemetry, boot: 2 }]);
  await online();
  const [message] = port.take();
  const [record] = JSON.parse(new TextDecoder().decode(message!.payload));
  assert.equal(record.bt, Date.UTC(2026, 0, 1) / 1000);
});
