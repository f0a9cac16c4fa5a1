import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rig } from './rig.js';

test('tries are spread between the bounds, and a proved link starts over', async () => {
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
