import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StubBroker } from '../support/stub-broker.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';
import { rig, telemetry } from './rig.js';

const WINDOW = 8;
const BLOCKS = 40;

test('FAULTS 29: a day with a broker that accepts and never answers: growing waits, nothing deleted, window bounded', async (t) => {
  const config = { keepAliveS: 60, pubackDeadlineMs: 20_000, backoffMaxMs: 300_000, window: WINDOW };
  const { store, port, clock, log, uplink } = rig(config);
  store.commit(Array.from({ length: BLOCKS }, () => telemetry));
  uplink.start();
  let accepted = 0;
  let most = 0;
  for (let s = 0; s < 86_400; s++) {
    if (port.links.length > accepted) {
      accepted = port.links.length;
      port.accept();
      await clock.advance(0);
      most = Math.max(most, port.take().length);
    }
    await clock.advance(1_000);
  }
  t.diagnostic(`${accepted} connects in 24 h, at most ${most} publishes on one link`);
  // 20 s until the deadline, and 100 to 300 s of back-off.
  assert.ok(accepted >= 250 && accepted <= 500, `${accepted}`);
  assert.equal(most, WINDOW);
  assert.deepEqual(store.disposed, []);
  assert.equal(store.left.length, BLOCKS);
  assert.equal(
    uplink.status().refusals.deadline,
    accepted - (uplink.status().link.state === 'online' ? 1 : 0),
  );
  assert.ok(log.some((line) => line.startsWith('warn') && line.includes('deadline:')));
});

test('FAULTS 29: a real connection on which nothing is answered: reconnects, keeps all, and delivers once there are answers', {
  timeout: 200_000,
}, async (t) => {
  const broker = await StubBroker.start();
  broker.onPublish = () => undefined;
  const { uplink, store, log } = realUplink({ url: broker.url, window: WINDOW, pubackDeadlineMs: 100 });
  for (let i = 0; i < BLOCKS; i++) store.commit([telemetry]);
  try {
    uplink.start();
    await until('five connects', () => broker.connects >= 5);
    assert.equal(store.left.length, BLOCKS);
    assert.ok(broker.publishes <= broker.connects * WINDOW, `${broker.publishes} publishes`);
    assert.ok(log.filter((line) => line.includes('deadline:')).length >= 4);
    t.diagnostic(`${broker.connects} connects, ${broker.publishes} publishes, 0 of ${BLOCKS} blocks deleted`);
    broker.onPublish = ({ puback }) => puback(0);
    await until('all blocks have receipts', () => store.left.length === 0);
  } finally {
    await uplink.stop(0);
    broker.close();
  }
});

test('FAULTS 31: a PUBACK for an id that was never sent, and 0x10: counted, nothing deleted', {
  timeout: 200_000,
}, async (t) => {
  const broker = await StubBroker.start();
  broker.onPublish = ({ topic, puback, pubackFor, id }) => {
    pubackFor(id === 1 ? 60_000 : id + 30_000, 0);
    puback(topic.endsWith('/status') ? 0 : 0x10);
  };
  const { uplink, store } = realUplink({ url: broker.url });
  for (let i = 0; i < BLOCKS; i++) store.commit([telemetry]);
  try {
    uplink.start();
    await until('refusals', () => (uplink.status().refusals.noSubscriber ?? 0) >= BLOCKS);
    const { refusals, connects } = uplink.status();
    t.diagnostic(
      `${refusals.unknownId} unknown ids, ${refusals.noSubscriber} × 0x10, 0 of ${BLOCKS} blocks deleted`,
    );
    assert.ok(refusals.unknownId! >= BLOCKS + 1, `${refusals.unknownId}`);
    assert.deepEqual(store.disposed, []);
    assert.equal(connects, 1, 'the link stays');
    broker.onPublish = ({ puback }) => puback(0);
    await until('all blocks have receipts', () => store.left.length === 0);
  } finally {
    await uplink.stop(0);
    broker.close();
  }
});

test('FAULTS 31: one answer twice: the second is for nothing, and frees nothing', async () => {
  const { store, port, clock, uplink, online } = rig({ window: 1 });
  store.commit([telemetry, telemetry]);
  await online();
  const [first] = port.take();
  port.answer(first!);
  port.answer(first!);
  await clock.advance(0);
  assert.equal(store.left.length, 1);
  assert.equal(uplink.status().refusals.unknownId, 1);
});
