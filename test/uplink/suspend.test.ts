import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rig, telemetry } from './rig.js';

const TEN_YEARS_MS = 3652 * 86_400_000;

test('FAULTS 24: the boot clock goes on by ten years while the machine sleeps: one reconnect, all resent, no burst', async (t) => {
  const { store, port, clock, uplink, online } = rig();
  await online();
  store.commit(Array.from({ length: 5 }, () => telemetry));
  await clock.advance(100);
  const timers = clock.timers;
  clock.skip(TEN_YEARS_MS);
  await clock.advance(10_000);
  assert.equal(port.links.length, 2, 'the silent link is given up, and one more is tried');
  assert.ok(clock.timers <= timers + 1, `${clock.timers} timers, ${timers} before`);
  port.accept();
  await clock.advance(1_000);
  const resent = port.answerAll().length;
  await clock.advance(1_000);
  assert.equal(store.left.length, 0, 'nothing has expired');
  t.diagnostic(`2 links, ${resent} messages at the second, ${clock.timers} timers`);
  await uplink.stop(0);
});
