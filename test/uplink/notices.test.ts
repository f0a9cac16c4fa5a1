import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rows } from '../../drivers/contract/index.js';
import { noticeOf } from '../../fleet/receive/notice.js';
import type { Unkept } from '../../runtime/uplink/index.js';
import { alarm, rig, telemetry, topics } from './rig.js';

const CHANNELS = [{ name: 'id', quantity: 'count', type: { kind: 'int' } }] as const;
const WALL_NS = 1_767_225_600_000_000_000n;

function unkept(id: number, wallNs: Unkept['wallNs'] = () => undefined, isKept = () => true): Unkept {
  const rows: Rows = {
    stream: 'sos',
    timesNs: BigInt64Array.of(2_000_000_000n),
    values: Float64Array.of(id),
    quality: Uint8Array.of(0),
  };
  return { rows, channels: CHANNELS, wallNs, isKept };
}

const ids = (sent: readonly { topic: string; payload: Uint8Array }[]) =>
  sent.flatMap(({ topic, payload }) => noticeOf(topic, payload)?.records.map(({ v }) => v) ?? []);

test('an alarm that no disk holds goes at once, before what one does, as SenML without a number', async () => {
  const { store, port, clock, uplink, online } = rig({ window: 1 });
  await online();
  store.commit([telemetry, telemetry, alarm]);
  await clock.advance(0);
  uplink.notice(unkept(7, () => WALL_NS));
  assert.deepEqual(topics(port.answerAll()), ['alarm/sos']);
  const next = port.answerAll();
  assert.deepEqual(topics(next), ['notice/sos']);
  // RFC 8428: base name and base time, and the value of the one channel.
  assert.deepEqual(JSON.parse(Buffer.from(next[0]!.payload).toString()), [
    { bn: `${store.node}/sos/`, bt: Number(WALL_NS / 1_000_000_000n), n: 'id', v: 7 },
  ]);
  assert.equal(next[0]!.retain, false);
  assert.deepEqual(topics(port.answerAll()), ['telemetry/climate']);
});

test('without an anchor its time is its age when it is sent', async () => {
  const { port, clock, uplink, online } = rig();
  await clock.advance(5_000);
  await online();
  uplink.notice(unkept(1));
  const [{ payload } = { payload: new Uint8Array() }] = port.answerAll();
  const [record] = JSON.parse(Buffer.from(payload).toString());
  assert.equal(record.t, -(Number(clock.nowNs()) / 1e9 - 2));
});

test('it waits for a link, and is said again on the next one while nobody has answered', async () => {
  const { port, clock, uplink } = rig();
  uplink.notice(unkept(1));
  uplink.start();
  port.accept();
  assert.deepEqual(ids(port.take()), [1]);
  port.down('reset');
  while (uplink.status().link.state !== 'connecting') await clock.advance(100);
  port.accept();
  await clock.advance(0);
  assert.deepEqual(ids(port.answerAll()), [1]);
  await clock.advance(120_000);
  assert.deepEqual(ids(port.answerAll()), [], 'it is there');
});

test('nobody takes it: it is tried twice a minute, until the disk has the alarm', async () => {
  const { store, port, clock, uplink, online } = rig();
  await online();
  uplink.notice(unkept(1));
  let tries = 0;
  for (let second = 0; second < 120; second++) {
    tries += ids(port.answerAll(0x10)).length;
    await clock.advance(1_000);
  }
  assert.ok(tries >= 4 && tries <= 5, `${tries} tries in two minutes`);
  assert.equal(uplink.status().refusals.notice, tries);
  port.answerAll(0x10);
  store.commit([alarm]);
  await clock.advance(120_000);
  assert.deepEqual(ids(port.answerAll()), []);
});

test('another alarm that the disk has taken silences no notice', async () => {
  const { store, port, clock, uplink, online } = rig();
  await online();
  uplink.notice(unkept(1, undefined, () => false));
  port.answerAll(0x10);
  store.commit([alarm]);
  await clock.advance(0);
  assert.deepEqual(topics(port.answerAll()), ['alarm/sos']);
  await clock.advance(30_000);
  assert.deepEqual(ids(port.answerAll()), [1]);
});

test('sixteen wait at most, the newest, and one that no broker takes in a packet is counted', async () => {
  const { port, clock, uplink } = rig();
  for (let id = 0; id < 40; id++) uplink.notice(unkept(id));
  uplink.start();
  port.accept();
  const all = [...ids(port.answerAll()), ...ids(port.answerAll())];
  assert.deepEqual(
    all,
    Array.from({ length: 16 }, (_, i) => 24 + i),
  );
  port.down('reset');
  while (uplink.status().link.state !== 'connecting') await clock.advance(100);
  port.accept({ maximumPacketBytes: 100 });
  uplink.notice(unkept(1));
  await clock.advance(0);
  assert.deepEqual(ids(port.answerAll()), []);
  assert.equal(uplink.status().refusals.packetTooLarge, 1);
});

test('a link that was told of a store that was not open yet is made anew once it is', async () => {
  const { port, clock, uplink, online } = rig();
  await online();
  uplink.renew('the store is open now');
  await clock.advance(0);
  assert.equal(uplink.status().link.state, 'waiting');
  while (uplink.status().link.state !== 'connecting') await clock.advance(100);
  assert.equal(port.links.length, 2);
});
