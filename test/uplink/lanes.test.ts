import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarm, rig, telemetry, topics } from './rig.js';

test('meta goes before what was committed after it, whatever was in memory', async () => {
  const { store, port, clock, online } = rig({ window: 2 });
  store.commit(Array.from({ length: 6 }, () => alarm));
  await online();
  const first = port.take();
  assert.deepEqual(topics(first), ['alarm/sos', 'alarm/sos']);
  store.commitMeta({ kind: 'boot', value: { boot: 3, bootId: 'x', software: 'y' } });
  store.commit([{ class: 'alarm', stream: 'fall' }]);
  const order: string[] = [];
  for (let i = 0; i < 10; i++) {
    for (const one of first.splice(0)) port.answer(one);
    await clock.advance(0);
    order.push(...topics(port.answerAll()));
  }
  assert.equal(order[0], 'meta/meta');
  assert.ok(order.indexOf('meta/meta') < order.indexOf('alarm/fall'));
});

test('new readings leave beside a backlog, which keeps half of the slots', async () => {
  const { store, port, clock, online } = rig({ window: 2 });
  store.commit(Array.from({ length: 400 }, () => telemetry));
  await online();
  for (let i = 0; i < 20; i++) {
    port.answerAll();
    await clock.advance(0);
  }
  const live = store.commit([
    { class: 'telemetry', stream: 'fresh' },
    { class: 'telemetry', stream: 'fresh' },
    alarm,
  ]);
  assert.ok(live.length === 3 && store.left.length > 300);
  const order: string[] = [];
  for (let i = 0; i < 6; i++) {
    await clock.advance(0);
    order.push(...topics(port.answerAll()));
  }
  assert.ok(order.slice(0, 10).includes('alarm/sos'), order.join(' '));
  assert.equal(order.slice(0, 10).filter((topic) => topic === 'telemetry/fresh').length, 2, order.join(' '));
  assert.ok(order.filter((topic) => topic === 'telemetry/climate').length >= 4);
  for (let i = 0; i < 400 && store.left.length > 0; i++) {
    port.answerAll();
    await clock.advance(0);
  }
  assert.equal(store.left.length, 0);
  const firsts = store.disposed.filter((one) => one.position.commit === 1).map((one) => one.position.index);
  assert.deepEqual(
    firsts,
    [...firsts].sort((a, b) => a - b),
    'the backlog keeps its order',
  );
});

test('open gaps are published on connect and while online', async () => {
  const { store, port, clock, online } = rig();
  const gap = {
    epoch: store.epoch,
    stream: 'climate',
    first: 0,
    last: 4,
    cause: 'overflow',
    atMost: false,
  } as const;
  store.gaps = [gap];
  await online();
  await clock.advance(0);
  assert.equal(store.publishGapsCalls, 1);
  assert.deepEqual(topics(port.answerAll()), ['meta/meta']);
  store.gaps = [gap];
  await clock.advance(10_500);
  assert.equal(store.publishGapsCalls, 2);
});
