import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kernelBootId, systemClock, systemWallClock } from '../../runtime/clock/index.js';

test('the boot id is the kernel’s', () => {
  assert.match(kernelBootId(), /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
});

test('boot time is the kernel’s uptime, wall time is Date’s', () => {
  const uptimeS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  assert.ok(Math.abs(Number(systemClock().nowNs()) / 1e9 - uptimeS) < 1);
  assert.ok(Math.abs(Number(systemWallClock().pair().wallNs) / 1e6 - Date.now()) < 1000);
});

test('a timer never comes early, fractions of a millisecond included', async () => {
  const clock = systemClock();
  const late = (ms: number, begun: bigint) => Number(clock.nowNs() - begun) / 1e6 - ms;
  const waits = Array.from({ length: 60 }, (_, i) => i * 0.97 + 0.93);
  const byAfter = waits.map(
    (ms) =>
      new Promise<number>(
        (resolve) =>
          void clock.after(
            ms,
            (
              (begun) => () =>
                resolve(late(ms, begun))
            )(clock.nowNs()),
          ),
      ),
  );
  const byDelay = waits.map(async (ms) => {
    const begun = clock.nowNs();
    await clock.delay(ms);
    return late(ms, begun);
  });
  const all = await Promise.all([...byAfter, ...byDelay]);
  assert.ok(Math.min(...all) >= 0, `${Math.min(...all)} ms`);
  let isCalled = false;
  clock
    .after(1, () => {
      isCalled = true;
    })
    .cancel();
  await clock.delay(5);
  assert.equal(isCalled, false);
});
