import assert from 'node:assert/strict';
import { test } from 'node:test';
import { native } from '../../native/index.js';
import { alarm, rig, telemetry, topics } from './rig.js';

const FALL = {
  stream: 'fall',
  version: 1,
  title: 'a fall',
  class: 'alarm',
  channels: [{ name: 'state', quantity: 'count', type: { kind: 'int' } }],
} as const;

test('a descriptor goes before what it describes, whatever was in memory', async () => {
  const { store, port, clock, online } = rig({ window: 2 });
  store.commit(Array.from({ length: 6 }, () => alarm));
  await online();
  const first = port.take();
  assert.deepEqual(topics(first), ['alarm/sos', 'alarm/sos']);
  store.commitMeta({ kind: 'descriptor', value: FALL });
  store.commit([{ class: 'alarm', stream: 'fall' }]);
  const order: string[] = [];
  for (let i = 0; i < 10; i++) {
    for (const one of first.splice(0)) port.answer(one);
    await clock.advance(0);
    order.push(...topics(port.answerAll()));
  }
  assert.ok(order.includes('meta/meta'), order.join(' '));
  assert.ok(order.indexOf('meta/meta') < order.indexOf('alarm/fall'));
});

test('an alarm goes before meta that has nothing to do with it, and after its own descriptor', async () => {
  const { store, port, clock, online } = rig({ window: 2 });
  const anchors = (count: number): void => {
    for (let i = 0; i < count; i++)
      store.commitMeta({ kind: 'boot', value: { boot: 3, bootId: `x${i}`, software: 'y' } });
  };
  anchors(700);
  store.commit([{ class: 'alarm', stream: 'sos' }]);
  await online();
  for (let i = 0; i < 4; i++) await clock.advance(0);
  const order: string[] = topics(port.answerAll());
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await clock.advance(0);
      order.push(...topics(port.answerAll()));
    }
  };
  await turns(5);
  assert.ok(order.indexOf('alarm/sos') >= 0 && order.indexOf('alarm/sos') < 8, order.join(' '));
  store.commitMeta({ kind: 'descriptor', value: FALL });
  anchors(100);
  store.commit([{ class: 'alarm', stream: 'fall' }]);
  store.commit([{ class: 'alarm', stream: 'sos' }]);
  await turns(500);
  const metaBefore = order
    .slice(0, order.indexOf('alarm/fall'))
    .filter((topic) => topic === 'meta/meta').length;
  assert.ok(metaBefore >= 701 && metaBefore <= 705, `${metaBefore} meta blocks before the alarm`);
  assert.equal(order.filter((topic) => topic === 'meta/meta').length, 801);
  assert.equal(order.filter((topic) => topic === 'alarm/sos').length, 2);
});

test('alarms and live streams leave beside a backlog, which keeps its share and its order', async () => {
  const { store, port, clock, online } = rig({ window: 2 });
  store.liveStreams.add('fresh');
  store.commit(Array.from({ length: 400 }, () => telemetry));
  await online();
  for (let i = 0; i < 20; i++) {
    port.answerAll();
    await clock.advance(0);
  }
  const live = store.commit([
    { class: 'telemetry', stream: 'fresh' },
    { class: 'telemetry', stream: 'fresh' },
    telemetry,
    alarm,
  ]);
  assert.ok(live.length === 4 && store.left.length > 300);
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

/** What goes when one is answered at a time: class, stream and first number. */
async function sendsOneByOne(all: ReturnType<typeof rig>, count: number): Promise<string[]> {
  const order: string[] = [];
  for (let i = 0; i < count; i++) {
    await all.clock.advance(0);
    for (const one of all.port.answerAll()) {
      order.push(`${one.topic.split('/').at(-1)} ${native.decodeHeader(one.payload).first}`);
    }
  }
  return order;
}

test('backlog newest: from the newest commit down, a commit in its order; what is committed meanwhile goes in front, in order', async () => {
  const all = rig({ window: 1, backlog: 'newest' });
  const { store } = all;
  store.liveStreams.add('hot');
  const hot = { class: 'telemetry', stream: 'hot' } as const;
  for (let i = 0; i < 3; i++) store.commit([telemetry, telemetry, hot]);
  await all.online();
  assert.deepEqual(await sendsOneByOne(all, 2), ['climate 4', 'climate 5']);
  store.commit([telemetry, hot]);
  store.commit([telemetry]);
  assert.deepEqual(await sendsOneByOne(all, 9), [
    ...['hot 2', 'hot 3', 'climate 6', 'climate 7'],
    ...['climate 2', 'climate 3', 'hot 1', 'climate 0', 'climate 1'],
  ]);
  assert.deepEqual(await sendsOneByOne(all, 2), ['hot 0']);
  store.commit([telemetry, hot]);
  assert.deepEqual((await sendsOneByOne(all, 3)).sort(), ['climate 8', 'hot 4']);
  assert.equal(store.left.length, 0);
});

test('an alarm that is committed while the one before it is being read keeps it waiting no longer, in whatever order the reads end', async () => {
  for (const slow of [1, 2]) {
    const { store, port, clock, online } = rig();
    await online();
    await clock.advance(0);
    store.commit([alarm]);
    await clock.advance(0);
    assert.deepEqual(topics(port.answerAll()), ['alarm/sos']);
    // From here on the lanes are two; one of their reads hangs until the next commit has come.
    const read = store.read.bind(store);
    let [count, goOn] = [0, () => {}];
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    store.read = async (...args) => {
      const blocks = await read(...args);
      if (args[0] === 'alarm' && ++count === slow) await gate;
      return blocks;
    };
    store.commit([alarm]);
    await clock.advance(0);
    store.commit([alarm]);
    goOn();
    for (let i = 0; i < 3; i++) await clock.advance(0);
    const sent = [...topics(port.answerAll())];
    await clock.advance(0);
    sent.push(...topics(port.answerAll()));
    assert.deepEqual(sent, ['alarm/sos', 'alarm/sos'], `with the ${slow}. read slow`);
  }
});
