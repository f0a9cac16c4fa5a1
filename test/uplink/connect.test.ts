import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimClock } from '../support/sim-clock.js';
import { FakePort } from './fake-port.js';
import { rig } from './rig.js';

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
