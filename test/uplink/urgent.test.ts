import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarm, rig, telemetry } from './rig.js';

/** Waits between tries once a broker has been away for so long. */
async function longAway(...refuse: Parameters<ReturnType<typeof rig>['port']['down']>) {
  const all = rig({ backoffMaxMs: 300_000 });
  const { port, clock, uplink } = all;
  uplink.start();
  for (let tried = 0, waitMs = 0; waitMs < 100_000; ) {
    if (port.links.length > tried) {
      tried = port.links.length;
      port.down(...refuse);
      const { link } = uplink.status();
      waitMs = link.state === 'waiting' ? link.retryInMs : 0;
    } else await clock.advance(1_000);
  }
  const triesIn = async (ms: number): Promise<number> => {
    const before = port.links.length;
    for (let left = ms; left > 0; left -= 500) {
      const { length } = port.links;
      await clock.advance(500);
      if (port.links.length > length) port.down(...refuse);
    }
    return port.links.length - before;
  };
  return { ...all, triesIn };
}

test('an alarm does not wait out a long back-off: the next try is within three times the shortest wait', async () => {
  const { store, port, clock } = await longAway('refused');
  const before = port.links.length;
  store.commit([alarm]);
  await clock.advance(3_000);
  assert.equal(port.links.length, before + 1);
  port.accept();
  port.answerAll();
  await clock.advance(100);
  assert.deepEqual(
    port.answerAll().map(({ topic }) => topic.split('/')[3]),
    ['alarm'],
  );
});

test('readings wait it out', async () => {
  const { store, triesIn } = await longAway('refused');
  store.commit([telemetry]);
  assert.equal(await triesIn(3_000), 0);
});

for (const kind of ['refused', 'takenOver'] as const) {
  test(`an alarm a second makes no storm of tries where the link is ${kind}: it begins anew once a minute`, async () => {
    const { store, triesIn } = await longAway(kind);
    let tries = 0;
    for (let second = 0; second < 600; second++) {
      store.commit([alarm]);
      tries += await triesIn(1_000);
    }
    // Waits of 1 to 3 s that grow by half each time come to eight in a minute.
    assert.ok(tries >= 10 && tries <= 90, `${tries} tries in 10 minutes`);
  });
}
