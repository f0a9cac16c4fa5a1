import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UplinkConfig } from '../../runtime/config/types.js';
import { createUplink, type UplinkOptions } from '../../runtime/uplink/index.js';
import { SimClock } from '../support/sim-clock.js';
import { FakePort, type Sent } from './fake-port.js';
import { FakeStore } from './fake-store.js';

const CONFIG: UplinkConfig = {
  url: 'mqtt://broker',
  protocol: 'auto',
  payloads: ['packet'],
  window: 10,
  pubackDeadlineMs: 5_000,
  keepAliveS: 30,
  backoffMinMs: 1_000,
  backoffMaxMs: 60_000,
};

function rig(config: Partial<UplinkConfig> = {}, options: Partial<UplinkOptions> = {}) {
  const store = new FakeStore();
  const port = new FakePort();
  const clock = new SimClock();
  const log: string[] = [];
  const uplink = createUplink({
    config: { ...CONFIG, ...config },
    node: store.node,
    store,
    clock,
    connect: port.connect,
    random: () => 0.5,
    log: (level, text) => log.push(`${level} ${text}`),
    software: '0.1.0',
    ...options,
  });
  /** Starts, is accepted, and has its birth answered. */
  const online = async (limits = {}) => {
    uplink.start();
    port.accept(limits);
    const [birth] = port.answerAll();
    await clock.advance(0);
    return birth!;
  };
  return { store, port, clock, log, uplink, online };
}

const topics = (sent: readonly Sent[]) => sent.map((one) => one.topic.split('/').slice(3).join('/'));
const telemetry = { class: 'telemetry', stream: 'climate' } as const;
const alarm = { class: 'alarm', stream: 'sos' } as const;

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
  assert.equal(port.last.destroyed, false);
  await clock.advance(1_500);
  assert.equal(port.last.destroyed, true, 'b was sent 9.5 s ago and c was answered before it');
  assert.ok(b);
});

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
    await clock.advance(1_600);
    assert.equal(port.answerAll().length, 1);
    assert.equal(store.left.length, 0);
  }
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

test('tries are spread by full jitter between the bounds, and a proved link starts over', async () => {
  const waits: number[] = [];
  let r = 0;
  const { port, clock, uplink } = rig({}, { random: () => [0, 0.25, 0.999][r++ % 3]! });
  uplink.start();
  for (let i = 0; i < 12; i++) {
    port.down('refused');
    const { link } = uplink.status();
    assert.ok(link.state === 'waiting');
    waits.push(link.retryInMs);
    await clock.advance(link.retryInMs);
  }
  assert.ok(
    waits.every((ms) => ms >= 1_000 && ms <= 60_000),
    waits.join(' '),
  );
  assert.ok(Math.max(...waits) > 50_000, waits.join(' '));
  assert.equal(port.links.length, 13);
});

test('no answer to CONNECT within 30 s ends the try', async () => {
  const { port, clock, uplink } = rig();
  uplink.start();
  await clock.advance(31_000);
  assert.ok(port.links[0]!.destroyed);
});

test('a broker that only speaks 3.1.1 is asked so at once', async () => {
  const { port, clock, uplink } = rig();
  uplink.start();
  assert.equal(port.last.options.protocol, 5);
  port.down('version');
  await clock.advance(0);
  assert.equal(port.last.options.protocol, 4);
  port.accept();
  const { link } = uplink.status();
  assert.equal(link.state === 'online' && link.protocol, 4);
});

test('a second node with our id: long waits and an alarm, no ping-pong', async () => {
  const { port, clock, log, uplink } = rig();
  uplink.start();
  port.accept();
  port.down('takenOver');
  const { link } = uplink.status();
  assert.ok(link.state === 'waiting' && link.retryInMs >= 30_000);
  assert.ok(log.some((line) => line.startsWith('error') && line.includes('takenOver')));
  await clock.advance(60_000);
  assert.equal(port.links.length, 2);
});

test('where the broker gives no reason, three short lives in a row look the same', async () => {
  const { port, clock, uplink } = rig();
  uplink.start();
  for (let i = 0; i < 3; i++) {
    port.accept();
    await clock.advance(2_000);
    port.down('closed');
    const now = uplink.status().link;
    assert.ok(now.state === 'waiting');
    if (i === 2) assert.ok(now.retryInMs >= 30_000, `${now.retryInMs}`);
    await clock.advance(now.retryInMs);
  }
});

test('a bad link that is reset often is no second node: it is tried again soon', async () => {
  const { port, clock, uplink } = rig();
  uplink.start();
  for (let i = 0; i < 6; i++) {
    port.accept();
    port.answerAll();
    await clock.advance(2_000);
    port.down('reset');
    const { link } = uplink.status();
    assert.ok(link.state === 'waiting' && link.reason.startsWith('reset'));
    await clock.advance(link.retryInMs);
  }
});

test('a herd of 200 nodes comes back spread: in 5 s never more than three times the mean', async () => {
  const seed = 7;
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const clock = new SimClock();
  let brokerIsUp = false;
  const accepted: number[] = [];
  const ports = Array.from({ length: 200 }, () => {
    const port = new FakePort();
    const { uplink } = rig(
      { backoffMaxMs: 300_000 },
      {
        clock,
        random,
        connect: (options, events) => {
          const link = port.connect(options, events);
          clock.after(10, () => {
            if (!brokerIsUp) return events.down({ kind: 'refused', text: '' });
            accepted.push(Number(clock.nowNs() / 1_000_000n));
            events.connected({ receiveMaximum: 10, maximumPacketBytes: 1000 });
            port.answerAll();
          });
          return link;
        },
      },
    );
    uplink.start();
    return port;
  });
  await clock.advance(1_800_000);
  brokerIsUp = true;
  const from = Number(clock.nowNs() / 1_000_000n);
  await clock.advance(310_000);
  assert.equal(accepted.filter((at) => at >= from).length, ports.length, `seed ${seed}`);
  const buckets = new Array<number>(60).fill(0);
  for (const at of accepted) buckets[Math.floor((at - from) / 5_000)]! += 1;
  const mean = ports.length / buckets.length;
  assert.ok(Math.max(...buckets) <= 3 * mean, `${buckets}, seed ${seed}`);
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
