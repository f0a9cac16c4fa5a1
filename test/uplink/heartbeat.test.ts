import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeat } from '../../runtime/uplink/heartbeat.js';
import { SimClock } from '../support/sim-clock.js';

const KEEP_ALIVE_MS = 60_000;

function beating() {
  const clock = new SimClock();
  const pingsMs: number[] = [];
  const seen = { silentMs: undefined as number | undefined, isAwaited: false, pongs: true };
  const beganNs = clock.nowNs();
  const sinceMs = () => Number(clock.nowNs() - beganNs) / 1e6;
  const heartbeat: Heartbeat = new Heartbeat({
    clock,
    keepAliveMs: KEEP_ALIVE_MS,
    ping: () => {
      pingsMs.push(sinceMs());
      heartbeat.sent();
      if (seen.pongs) clock.after(300, () => heartbeat.heard());
    },
    onSilence: () => {
      seen.silentMs = sinceMs();
    },
    isAwaited: () => seen.isAwaited,
  });
  return { clock, heartbeat, pingsMs, seen };
}

test('an idle link that lives is pinged once a keep-alive, and kept', async () => {
  const { clock, pingsMs, seen } = beating();
  await clock.advance(100 * KEEP_ALIVE_MS);
  assert.equal(seen.silentMs, undefined);
  assert.ok(pingsMs.length >= 98 && pingsMs.length <= 100, `${pingsMs.length} pings`);
});

test('FAULTS 28: an idle half-open link is found after exactly 1.5 keep-alives, whenever it died', async (t) => {
  let worstMs = 0;
  for (const diedMs of [0, 1, 20_000, 59_999, 60_400, 90_000]) {
    const { clock, heartbeat, seen } = beating();
    await clock.advance(diedMs);
    heartbeat.heard();
    seen.pongs = false;
    await clock.advance(10 * KEEP_ALIVE_MS);
    assert.ok(seen.silentMs !== undefined);
    worstMs = Math.max(worstMs, seen.silentMs - diedMs);
  }
  t.diagnostic(`at most ${worstMs / KEEP_ALIVE_MS} keep-alives after the last word`);
  assert.equal(worstMs, 1.5 * KEEP_ALIVE_MS);
});

test('who only listens is to say something in time, or the broker would end it', async () => {
  const { clock, heartbeat, pingsMs } = beating();
  for (let s = 0; s < 600; s++) {
    await clock.advance(1_000);
    heartbeat.heard();
  }
  assert.ok(pingsMs.length >= 9, `${pingsMs}`);
  const waits = pingsMs.map((at, i) => at - (pingsMs[i - 1] ?? 0));
  assert.ok(
    waits.every((ms) => ms <= 1.05 * KEEP_ALIVE_MS),
    `${waits}`,
  );
});

test('who only talks asks once for each silence', async () => {
  const { clock, heartbeat, pingsMs, seen } = beating();
  seen.pongs = false;
  seen.isAwaited = true;
  for (let s = 0; s < 600; s++) {
    await clock.advance(1_000);
    heartbeat.sent();
  }
  assert.equal(pingsMs.length, 1);
  assert.equal(seen.silentMs, undefined, 'the publish has a deadline of its own');
});

test('once nothing is awaited any more, a silence that lasted is judged within a quarter keep-alive', async () => {
  const { clock, seen } = beating();
  seen.pongs = false;
  seen.isAwaited = true;
  await clock.advance(5 * KEEP_ALIVE_MS);
  seen.isAwaited = false;
  await clock.advance(KEEP_ALIVE_MS / 4 + 1);
  assert.ok(seen.silentMs !== undefined);
});

test('a stopped one is still', async () => {
  const { clock, heartbeat, pingsMs, seen } = beating();
  heartbeat.stop();
  await clock.advance(10 * KEEP_ALIVE_MS);
  assert.deepEqual([pingsMs, seen.silentMs, clock.timers], [[], undefined, 0]);
});
