import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadline } from '../../runtime/uplink/deadline.js';
import { Patience } from '../../runtime/uplink/patience.js';
import { Window } from '../../runtime/uplink/window.js';
import { SimClock } from '../support/sim-clock.js';
import { FakeStore } from './fake-store.js';
import { rig, telemetry } from './rig.js';

const BASE_MS = 20_000;
const BLOCK_BYTES = 64 * 1024;

test('all may take the same, until one took longer', () => {
  const patience = new Patience(BASE_MS);
  assert.equal(patience.allowedMs(100), BASE_MS);
  assert.equal(patience.allowedMs(BLOCK_BYTES), BASE_MS);
  patience.answered(BLOCK_BYTES, 2_000);
  assert.equal(patience.allowedMs(BLOCK_BYTES), BASE_MS);
});

test('a time that was too short is doubled, by size, and a small message waits hardly longer', () => {
  const patience = new Patience(BASE_MS);
  patience.gaveUp(BLOCK_BYTES, BASE_MS);
  assert.equal(patience.allowedMs(BLOCK_BYTES), 2 * BASE_MS);
  assert.equal(patience.allowedMs(BLOCK_BYTES / 4), BASE_MS);
  patience.gaveUp(BLOCK_BYTES, 2 * BASE_MS);
  assert.equal(patience.allowedMs(BLOCK_BYTES), 4 * BASE_MS);
  patience.gaveUp(200, BASE_MS);
  assert.ok(patience.allowedMs(200) <= BASE_MS + 2_000);
});

test('never longer than 100 B/s would take; a link that is fast again is believed within a few answers', () => {
  const patience = new Patience(BASE_MS);
  for (let i = 0; i < 30; i++) patience.gaveUp(BLOCK_BYTES, patience.allowedMs(BLOCK_BYTES));
  assert.equal(patience.allowedMs(BLOCK_BYTES), BASE_MS + BLOCK_BYTES * 10);
  let answers = 0;
  for (; patience.allowedMs(BLOCK_BYTES) > BASE_MS && answers < 100; answers++) {
    patience.answered(BLOCK_BYTES, 500);
  }
  assert.ok(answers <= 8, `${answers} answers`);
});

/** A link that gives so many bytes a second to a broker, whatever its TCP acknowledges on the way: a satellite's proxy does. */
async function onSlowLink(bytesPerS: number, hours: number) {
  const store = new FakeStore();
  const cuts: number[] = [];
  const made = rig(
    { keepAliveS: 60, pubackDeadlineMs: BASE_MS },
    {
      store,
      connect: (_, events) => {
        let isUp = true;
        let freeNs = 0n;
        const { clock } = made;
        clock.after(1_000, () => isUp && events.connected({ receiveMaximum: 20, maximumPacketBytes: 1e6 }));
        let id = 0;
        return {
          publish: ({ payload }) => {
            const mine = ++id;
            const beginNs = freeNs > clock.nowNs() ? freeNs : clock.nowNs();
            freeNs = beginNs + BigInt(Math.round((payload.length * 1e9) / bytesPerS));
            const waitMs = Number(freeNs - clock.nowNs()) / 1e6 + 600;
            clock.after(waitMs, () => isUp && events.answered(mine, 0));
            return mine;
          },
          destroy: (why) => {
            isUp = false;
            cuts.push(Number(clock.nowNs() / 1_000_000n));
            queueMicrotask(() => events.down(why));
          },
          end: () => Promise.resolve(),
        };
      },
    },
  );
  const bytes = store
    .commit(Array.from({ length: 3 }, () => ({ ...telemetry, rows: 4096 })))
    .reduce((sum, block) => sum + block.bytes.length, 0);
  made.uplink.start();
  for (let i = 0; i < hours * 60 && store.left.length > 0; i++) await made.clock.advance(60_000);
  return { ...made, store, bytes, cuts };
}

test('FAULTS 28: blocks that a 300 B/s link takes minutes for are cut a few times, and then leave', async (t) => {
  const { store, bytes, cuts, clock } = await onSlowLink(300, 6);
  assert.equal(store.left.length, 0);
  const tookS = Number(clock.nowNs()) / 1e9;
  const leastS = bytes / 300;
  t.diagnostic(
    `${bytes} bytes in ${tookS.toFixed(0)} s (${leastS.toFixed(0)} s of the link alone), ${cuts.length} cuts`,
  );
  assert.ok(cuts.length > 0 && cuts.length <= 5, `${cuts.length} cuts`);
});

test('FAULTS 28: with a block under way, a dead link is found within 1.5 keep-alives, however long `puback` is', async (t) => {
  for (const [keepAliveS, pubackDeadlineMs, foundMs] of [
    [60, 20_000, 20_000],
    [10, 20_000, 15_000],
    [60, 600_000, 90_000],
  ] as const) {
    const { store, port, clock, uplink, online } = rig({ keepAliveS, pubackDeadlineMs });
    await online();
    store.commit([telemetry]);
    await clock.advance(foundMs - 1);
    assert.equal(uplink.status().link.state, 'online');
    await clock.advance(2);
    assert.equal(port.last.destroyed, true, `${foundMs} ms`);
    assert.equal(store.left.length, 1);
    t.diagnostic(
      `keep-alive ${keepAliveS} s, puback ${pubackDeadlineMs / 1000} s: found after ${foundMs} ms`,
    );
  }
});

test('a message that may take less is watched from the moment that it is the oldest', async () => {
  const clock = new SimClock();
  const window = new Window(10, 1e6);
  let given: bigint | undefined;
  const onDeadline = () => {
    given = clock.nowNs();
  };
  const deadline = new Deadline({ clock, window, deadlineMs: BASE_MS, onDeadline });
  const add = (id: number, bytes: number) => {
    window.add(id, { sending: undefined, kind: 'status', bytes, sentNs: clock.nowNs() });
    deadline.watch();
  };
  window.open(10);
  add(1, BLOCK_BYTES);
  await clock.advance(BASE_MS + 1);
  assert.ok(given, 'cut: it may take 40 s from now on');
  given = undefined;
  deadline.stop();
  window.open(10);
  add(2, BLOCK_BYTES);
  add(3, 100);
  await clock.advance(5_000);
  deadline.beforeAnswer(2, clock.nowNs());
  window.take(2, clock.nowNs());
  deadline.watch();
  await clock.advance(BASE_MS + 1);
  assert.ok(given, 'not only when the large one would have been due');
});

test('a small message whose answer got lost says little of large ones: the next is waited for in proportion to 16 KiB, not for minutes', () => {
  const patience = new Patience(8000);
  patience.gaveUp(150, 8000);
  assert.ok(patience.allowedMs(16 * 1024) <= 2 * 8000);
  assert.ok(patience.allowedMs(64 * 1024) <= 4 * 2 * 8000);
  // On a link that is as slow, it is learnt by doubling: 64 KiB at 300 B/s take 218 s.
  for (let tries = 0; patience.allowedMs(64 * 1024) < 218_000; tries += 1) {
    assert.ok(tries < 3);
    patience.gaveUp(64 * 1024, patience.allowedMs(64 * 1024));
  }
});
