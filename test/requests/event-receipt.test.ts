import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventNews, followEvent } from '../../runtime/requests/index.js';
import type { ReceivedBlock } from '../../runtime/uplink/index.js';
import { SimClock } from '../support/sim-clock.js';

type Listener = (blocks: readonly ReceivedBlock[]) => void;

/** A store that has `next` events already, takes what comes, and has synced it when asked. */
function rig(next: number) {
  const clock = new SimClock();
  const listeners = new Set<Listener>();
  let committed = next;
  const stream = () => ({
    stream: 'events',
    class: 'event',
    next: committed,
    limit: 99,
    committed,
    gaps: {},
  });
  const store = {
    epoch: '0011223344556677',
    declare: () => undefined,
    append: ({ timesNs }: { timesNs: BigInt64Array }) => {
      committed += timesNs.length;
    },
    flush: async () => undefined,
    streams: () => [stream()],
  };
  const uplink = {
    onReceived: (listener: Listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const received = (name: string, first: number, count: number) => {
    const position = { class: 'event', commit: 1, index: 0 } as const;
    for (const listener of listeners) listener([{ position, stream: name, first, count }]);
  };
  return { clock, listeners, received, path: { store: store as never, clock, uplink } };
}

const EVENT = { kind: 'report', by: 'A. Roe', text: 'x'.repeat(9000) };
const settled = async (news: Promise<unknown>) => {
  let isSettled = false;
  void news.then(() => {
    isSettled = true;
  });
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  return isSettled;
};

test('an event has its receipt when each of its rows has one, and no row of another stream or before it counts', async () => {
  const { path, received, listeners } = rig(7);
  const news = followEvent(path, EVENT);
  // 9,000 bytes in pieces of 4,000: three rows.
  assert.deepEqual((await news.next()).value, { stream: 'events', first: 7, last: 9 });
  const next = news.next();
  for (const [stream, first, count] of [
    ['events', 5, 2],
    ['climate', 7, 3],
    ['events', 7, 1],
    ['events', 9, 4],
  ] as const) {
    received(stream, first, count);
    assert.equal(await settled(next), false, `${stream} ${first}`);
  }
  received('events', 8, 1);
  assert.deepEqual((await next).value, { isReceived: true });
  assert.equal((await news.next()).done, true);
  assert.equal(listeners.size, 0);
});

test('a receipt that is there before the commit is told counts', async () => {
  const { path, received } = rig(0);
  const news = followEvent(path, EVENT);
  const recorded = news.next();
  received('events', 0, 3);
  await recorded;
  assert.deepEqual((await news.next()).value, { isReceived: true });
});

test('without a receipt in time, or without an uplink, that is all there is; nobody listens on', async () => {
  const { path, clock, listeners } = rig(0);
  const news = followEvent(path, EVENT);
  await news.next();
  const next = news.next();
  await clock.advance(29_999);
  assert.equal(await settled(next), false);
  await clock.advance(1);
  assert.deepEqual((await next).value, { isReceived: false });
  await news.next();
  assert.deepEqual([listeners.size, clock.timers], [0, 0]);

  const alone: EventNews[] = [];
  for await (const one of followEvent({ ...path, uplink: undefined }, EVENT)) alone.push(one);
  assert.deepEqual(alone, [{ stream: 'events', first: 3, last: 5 }]);
});
