import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiptTopic } from '../../wire/index.js';
import { DEADLINE_MS, FLEET_KEY, fleetRig, heldBlock, newKey } from './fleet-rig.js';
import { alarm, telemetry, topics } from './rig.js';

/** The fleet's custody: what the uplink frees, and when it sends again. */

test('a PUBACK frees nothing; the receipt does', async () => {
  const { store, port, clock, uplink, online, receipt, takeBlocks } = fleetRig();
  const birth = await online();
  assert.deepEqual(port.last.options.subscribe, [receiptTopic(store.node)]);
  assert.equal(JSON.parse(Buffer.from(birth.payload).toString()).custody, 'fleet');
  const [a, b] = store.commit([telemetry, alarm]);
  await clock.advance(0);
  assert.equal(takeBlocks().length, 2);
  assert.deepEqual([store.left.length, store.disposed.length], [2, 0]);
  assert.equal(uplink.status().waiting, 2);
  receipt([heldBlock(b!)]);
  assert.deepEqual(store.disposed, [{ position: b!.position, kind: 'receipt' }]);
  receipt([heldBlock(a!), heldBlock(b!)]);
  assert.equal(store.left.length, 0);
  const { custody, receipts, waiting, resends, badReceipts, inFlight } = uplink.status();
  assert.deepEqual([custody, receipts, waiting, resends, inFlight], ['fleet', 2, 0, 0, 0]);
  assert.deepEqual(badReceipts, {});
});

test('a receipt that overtakes the PUBACK frees once both are there', async () => {
  const { store, port, clock, uplink, online, receipt } = fleetRig();
  await online();
  const [block] = store.commit([telemetry]);
  await clock.advance(0);
  receipt([heldBlock(block!)]);
  assert.equal(store.left.length, 1, 'its window slot is still taken');
  port.answerAll();
  assert.equal(store.left.length, 0);
  assert.equal(uplink.status().waiting, 0);
});

test('it frees the very block only: not for another CRC, count, epoch, stream, number, node or key', async () => {
  const { store, clock, uplink, online, receipt, say, takeBlocks, log } = fleetRig();
  await online();
  const [block] = store.commit([{ ...telemetry, rows: 3 }]);
  await clock.advance(0);
  takeBlocks();
  const held = heldBlock(block!);
  receipt([{ ...held, crc: (held.crc ^ 1) >>> 0 }]);
  receipt([{ ...held, count: 2 }]);
  receipt([{ ...held, epoch: '0'.repeat(16) }]);
  receipt([{ ...held, stream: 'other' }]);
  receipt([{ ...held, first: 1 }]);
  receipt([held], { node: 'ffffffffffffffff' });
  receipt([held], { key: newKey() });
  receipt([held], { key: { ...newKey(), kid: FLEET_KEY.kid } });
  receipt([held], { topic: receiptTopic('ffffffffffffffff') });
  say(new Uint8Array(200));
  say(new Uint8Array(40_000));
  assert.equal(store.left.length, 1);
  assert.deepEqual(uplink.status().badReceipts, {
    ...{ otherBlock: 2, otherNode: 1, unknownKey: 1, badSignature: 1, malformed: 2, tooLarge: 1 },
  });
  for (let i = 0; i < 50; i++) receipt([held], { key: newKey() });
  assert.equal(log.filter((line) => line.includes('unknownKey')).length, 1, 'said once a minute');
  receipt([held]);
  assert.equal(store.left.length, 0);
  receipt([held]);
  assert.equal(store.disposed.length, 1, 'a replay frees nothing twice');
});

test('either of two keys is believed', async () => {
  const next = newKey();
  const { store, port, clock, uplink, receipt, takeBlocks } = fleetRig({}, [FLEET_KEY, next]);
  uplink.start();
  port.accept();
  port.answerAll();
  const [a, b] = store.commit([telemetry, telemetry]);
  await clock.advance(0);
  takeBlocks();
  receipt([heldBlock(a!)], { key: next });
  receipt([heldBlock(b!)]);
  assert.equal(store.left.length, 0);
});

test('FAULTS 30: a receipt that is lost: the block is sent again, once the deadline is over, and freed by the second', async (t) => {
  const { store, clock, uplink, online, receipt, takeBlocks } = fleetRig();
  await online();
  const blocks = store.commit([telemetry, telemetry, telemetry]);
  await clock.advance(0);
  takeBlocks();
  receipt([heldBlock(blocks[1]!)]);
  await clock.advance(DEADLINE_MS / 2);
  assert.deepEqual(takeBlocks(), []);
  await clock.advance(DEADLINE_MS);
  assert.deepEqual(takeBlocks(), [blocks[0], blocks[2]], 'these two, and not the one that has its receipt');
  receipt([heldBlock(blocks[0]!), heldBlock(blocks[2]!)]);
  assert.equal(store.left.length, 0);
  assert.equal(uplink.status().resends, 2);
  t.diagnostic('2 of 3 receipts lost: 2 resends, 0 blocks left');
});

test('while no receipt comes at all, one block asks for all, at growing intervals; then the rest follows', async () => {
  const { store, clock, log, online, receipt, takeBlocks } = fleetRig();
  await online();
  const blocks = store.commit(Array.from({ length: 8 }, () => telemetry));
  await clock.advance(0);
  assert.equal(takeBlocks().length, 8);
  const asked: number[] = [];
  for (let minute = 1; minute <= 24 * 60; minute++) {
    await clock.advance(60_000);
    for (const block of takeBlocks()) asked.push(block.position.index);
  }
  assert.ok(asked.length >= 24 && asked.length <= 40, `${asked.length} in a day without a receiver`);
  assert.ok(log.some((line) => line.includes('wait for a receipt of the fleet')));
  receipt([heldBlock(blocks[asked.at(-1)!]!)]);
  await clock.advance(2 * 3_600_000);
  const again = new Set(takeBlocks().map((block) => block.position.index));
  assert.equal(again.size, 7, 'somebody signs now: all that is overdue goes again');
});

/** The link goes, and comes back after its back-off; the broker accepts. */
async function flap({ port, clock, uplink }: ReturnType<typeof fleetRig>): Promise<void> {
  port.down('reset');
  while (uplink.status().link.state !== 'connecting') await clock.advance(100);
  port.accept();
  await clock.advance(0);
}

test('after a new connection: at once what the broker had not answered for, and alarms; the rest within a first deadline', async () => {
  const one = fleetRig();
  const { store, port, clock, uplink, online, receipt, takeBlocks } = one;
  await online();
  const [held, waits, alarmWaits] = store.commit([telemetry, telemetry, alarm]);
  await clock.advance(0);
  takeBlocks();
  receipt([heldBlock(held!)]);
  const [unanswered] = store.commit([telemetry]);
  await clock.advance(0);
  assert.equal(port.take().length, 1);
  await flap(one);
  assert.deepEqual(takeBlocks(), [alarmWaits, unanswered]);
  assert.equal(uplink.status().waiting, 3);
  await clock.advance(DEADLINE_MS);
  assert.ok(takeBlocks().includes(waits!), 'its receipt may have come while nobody listened');
  receipt([waits!, alarmWaits!, unanswered!].map(heldBlock));
  assert.equal(store.left.length, 0);
});

test('FAULTS 30: a link that flaps: what waits for a receipt is not sent again each time, and still leaves', async (t) => {
  const one = fleetRig({ window: 100 });
  const { store, clock, online, receipt, takeBlocks } = one;
  await online();
  store.commit(Array.from({ length: 400 }, () => telemetry));
  const take = async () => {
    const sent = [];
    for (let round = 0; round < 10; round++) {
      sent.push(...takeBlocks());
      await clock.advance(1);
    }
    return sent;
  };
  assert.equal((await take()).length, 400);
  let again = 0;
  const beganNs = clock.nowNs();
  for (let flaps = 0; flaps < 60; flaps++) {
    await clock.advance(20_000);
    again += (await take()).length;
    await flap(one);
    again += (await take()).length;
  }
  const minutes = Number(clock.nowNs() - beganNs) / 60e9;
  assert.ok(again > 0 && again <= minutes * 2, `${again} in ${minutes} min without a receiver`);
  t.diagnostic(
    `400 blocks wait, 60 reconnects in ${minutes.toFixed(0)} min: ${again} sent again, not 24,000`,
  );
  for (let minute = 0; minute < 10; minute++) {
    receipt((await take()).slice(0, 256).map(heldBlock));
    await clock.advance(60_000);
    for (let round = 0; round < 5; round++) receipt((await take()).slice(0, 256).map(heldBlock));
    await flap(one);
  }
  assert.equal(store.left.length, 0, 'the receiver is back');
});

test('a class of which 1024 blocks wait pauses, and no other', async () => {
  const { store, clock, uplink, online, receipt, takeBlocks } = fleetRig({ window: 100 });
  await online();
  for (let i = 0; i < 30; i++) store.commit(Array.from({ length: 50 }, () => telemetry));
  const sent = [];
  for (let i = 0; i < 40; i++) {
    await clock.advance(1);
    sent.push(...takeBlocks());
  }
  assert.deepEqual([sent.length, uplink.status().waiting], [1024, 1024]);
  const [urgent] = store.commit([alarm]);
  await clock.advance(0);
  assert.deepEqual(takeBlocks(), [urgent], 'an alarm still leaves');
  receipt(sent.slice(0, 10).map(heldBlock));
  await clock.advance(0);
  assert.equal(takeBlocks().length, 10, 'a place that is free is taken');
});

test('live blocks leave before what is sent again', async () => {
  const { store, port, clock, online, receipt, takeBlocks } = fleetRig({ window: 1 });
  await online();
  const [first] = store.commit(Array.from({ length: 20 }, () => telemetry));
  for (let i = 0; i < 20; i++) {
    await clock.advance(0);
    takeBlocks();
  }
  receipt([heldBlock(first!)]);
  await clock.advance(DEADLINE_MS);
  store.commit(Array.from({ length: 12 }, () => alarm));
  const order: string[] = [];
  for (let i = 0; i < 31; i++) {
    order.push(...topics(port.sent));
    takeBlocks();
    await clock.advance(0);
  }
  const alarms = order.flatMap((topic, at) => (topic === 'alarm/sos' ? [at] : []));
  assert.equal(order.length, 31, 'all of both');
  assert.equal(alarms.length, 12);
  assert.ok(alarms.at(-1)! <= 18, `the last alarm leaves as number ${alarms.at(-1)}: ${order.join(' ')}`);
});

test('refusals as before: 0x10 keeps all, a dead letter goes, whatever receipts say later', async () => {
  const { store, port, clock, uplink, online, receipt, takeBlocks } = fleetRig();
  await online();
  const [block] = store.commit([telemetry]);
  await clock.advance(0);
  port.answerAll(0x10);
  assert.equal(uplink.status().refusals.noSubscriber, 1);
  await clock.advance(3_000);
  assert.deepEqual(takeBlocks(), [block]);
  receipt([heldBlock(block!)]);
  const [poison] = store.commit([telemetry]);
  await clock.advance(0);
  port.answerAll(0x99);
  assert.equal(store.disposed.at(-1)!.kind, 'rejected');
  receipt([heldBlock(poison!)]);
  assert.equal(store.disposed.length, 2);
});

test('a class that starts over passes over what waits for its receipt', async () => {
  const { store, port, clock, online, takeBlocks } = fleetRig();
  await online();
  const blocks = store.commit([telemetry, telemetry, telemetry]);
  await clock.advance(0);
  const sent = port.take();
  for (const [i, one] of sent.entries()) port.answer(one, i === 2 ? 0x10 : 0);
  await clock.advance(3_000);
  assert.deepEqual(takeBlocks(), [blocks[2]]);
});

test('a block that the quota took while it waited is forgotten', async () => {
  const { store, clock, uplink, online, takeBlocks } = fleetRig();
  await online();
  const [block] = store.commit([telemetry]);
  await clock.advance(0);
  takeBlocks();
  store.dispose([{ position: block!.position, kind: 'receipt' }]);
  await clock.advance(2 * DEADLINE_MS);
  assert.deepEqual(takeBlocks(), []);
  assert.equal(uplink.status().waiting, 0);
});

test('a class whose waiting blocks the quota took, over a reconnect too, goes on with new ones', async () => {
  const one = fleetRig({ window: 100 });
  const { store, clock, online, receipt, takeBlocks } = one;
  await online();
  for (let i = 0; i < 30; i++) store.commit(Array.from({ length: 50 }, () => telemetry));
  const sent = [];
  for (let i = 0; i < 40; i++) {
    await clock.advance(1);
    sent.push(...takeBlocks());
  }
  assert.equal(sent.length, 1024);
  store.dispose(sent.map(({ position }) => ({ position, kind: 'receipt' })));
  await flap(one);
  const after = [];
  for (let second = 0; second < (3 * DEADLINE_MS) / 1000; second++) {
    const blocks = takeBlocks();
    after.push(...blocks);
    if (blocks.length > 0) receipt(blocks.map(heldBlock));
    await clock.advance(1_000);
  }
  assert.equal(after.length, 1500 - 1024, 'a free place is taken without a commit');
  assert.equal(store.left.length, 0);
});

test('a store that cannot be read is asked again', async () => {
  const { store, clock, online, takeBlocks } = fleetRig();
  await online();
  const [block] = store.commit([telemetry]);
  await clock.advance(0);
  takeBlocks();
  store.failReads = true;
  await clock.advance(2 * DEADLINE_MS);
  store.failReads = false;
  await clock.advance(10 * DEADLINE_MS);
  assert.deepEqual(takeBlocks(), [block]);
});

test('a refused subscription: said, counted, alarms leave, nothing is freed, and a new connection asks again', async () => {
  const { store, port, clock, log, uplink, online, takeBlocks } = fleetRig();
  await online({ subscriptionRefusedWith: 0x87 });
  assert.equal(uplink.status().badReceipts.subscription, 1);
  assert.ok(log.some((line) => line.startsWith('error') && line.includes('0x87')));
  const [urgent] = store.commit([alarm]);
  await clock.advance(0);
  assert.deepEqual(takeBlocks(), [urgent]);
  assert.equal(store.left.length, 1);
  await clock.advance(60_000);
  const { link } = uplink.status();
  assert.ok(link.state !== 'online' && port.last.destroyed);
  assert.ok(log.some((line) => line.includes('subscription')));
});

test('SenML beside packets: the receipt alone frees nothing while the pack is unanswered', async () => {
  const { store, port, clock, online, receipt } = fleetRig({ payloads: ['packet', 'senml+json'] });
  const channels = [{ name: 't', quantity: 'temperature', type: { kind: 'f64' } }] as const;
  const title = 'Air';
  store.descriptors.set('climate/1', { stream: 'climate', version: 1, title, class: 'telemetry', channels });
  await online();
  const [block] = store.commit([telemetry]);
  await clock.advance(0);
  const [packet, pack] = port.take();
  port.answer(packet!);
  receipt([heldBlock(block!)]);
  assert.equal(store.left.length, 1);
  port.answer(pack!);
  assert.equal(store.left.length, 0);
});
