import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimClock } from '../support/sim-clock.js';
import { BrokerModel } from './broker-model.js';
import { seededRandom } from './random.js';
import { rig, telemetry } from './rig.js';

const HOURS = 12;

for (const saysTakenOver of [true, false]) {
  const name = saysTakenOver ? 'says so' : 'just closes the older link';
  test(`FAULTS 32: two nodes with one client id, the broker ${name}: long waits and an alarm, no ping-pong`, async (t) => {
    const clock = new SimClock();
    const random = seededRandom(3);
    const broker = new BrokerModel(clock, { roundTripMs: 50, publishesPerS: 1e5, saysTakenOver });
    const make = () =>
      rig({ backoffMinMs: 1_000, backoffMaxMs: 300_000 }, { clock, random, connect: broker.connect });
    const rivals = [make(), make()];
    for (const { uplink } of rivals) uplink.start();
    const perHour: number[] = [];
    for (let hour = 0; hour < HOURS; hour++) {
      const before = broker.connectsNs.length;
      for (const { store } of rivals) store.commit([telemetry]);
      await clock.advance(3_600_000);
      perHour.push(broker.connectsNs.length - before);
    }
    t.diagnostic(`connects an hour, both together: ${perHour.join(' ')}`);
    // Each waits 150 to 300 s once it is thrown out, and then throws the other one out.
    assert.ok(
      perHour.every((connects) => connects <= 3600 / 150 + 6),
      perHour.join(' '),
    );
    for (const { log, store } of rivals) {
      assert.ok(log.some((line) => line.startsWith('error') && line.includes('takenOver')));
      assert.equal(store.left.length, 0, 'both get their turns');
    }
  });
}

test('a broker that was restarted now and then is no rival', async () => {
  const clock = new SimClock();
  const broker = new BrokerModel(clock, { roundTripMs: 50, publishesPerS: 1e5, saysTakenOver: false });
  const { uplink, log } = rig({ backoffMaxMs: 300_000 }, { clock, connect: broker.connect });
  uplink.start();
  for (let i = 0; i < 20; i++) {
    await clock.advance(60_000);
    broker.restart(1_000);
    await clock.advance(20_000);
    assert.equal(uplink.status().link.state, 'online');
  }
  assert.ok(!log.some((line) => line.includes('takenOver')));
});

test('once the rival is gone, a broker that closes a link is trusted again', async () => {
  const clock = new SimClock();
  const broker = new BrokerModel(clock, { roundTripMs: 50, publishesPerS: 1e5, saysTakenOver: false });
  const make = () => rig({ backoffMaxMs: 60_000 }, { clock, connect: broker.connect });
  const [kept, gone] = [make(), make()];
  kept.uplink.start();
  gone.uplink.start();
  await clock.advance(600_000);
  assert.ok(kept.log.some((line) => line.includes('takenOver')));
  await gone.uplink.stop(0);
  await clock.advance(600_000);
  kept.log.length = 0;
  broker.restart(500);
  await clock.advance(10_000);
  assert.equal(kept.uplink.status().link.state, 'online');
  assert.ok(!kept.log.some((line) => line.includes('takenOver')), kept.log.join('\n'));
});
