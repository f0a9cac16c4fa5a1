import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SimClock } from '../support/sim-clock.js';
import { BrokerModel, type BrokerModelOptions } from './broker-model.js';
import { seededRandom } from './random.js';
import { rig, telemetry } from './rig.js';

const NODES = 200;
const SEED = 7;
/** As a node file has it by default. */
const CONFIG = {
  ...{ backoffMinMs: 1_000, backoffMaxMs: 300_000, keepAliveS: 60, pubackDeadlineMs: 20_000, window: 64 },
};
const BINS = 10;

/** 200 uplinks as they are, online at one broker, on one clock. */
async function herd(model: Partial<BrokerModelOptions> = {}) {
  const clock = new SimClock();
  const random = seededRandom(SEED);
  const options = { roundTripMs: 50, publishesPerS: 100_000, saysTakenOver: true, ...model };
  const broker = new BrokerModel(clock, options);
  const nodes = Array.from({ length: NODES }, (_, i) =>
    rig(CONFIG, { clock, random, connect: broker.connect, node: i.toString(16).padStart(16, '0') }),
  );
  for (const { uplink } of nodes) uplink.start();
  await clock.advance(60_000);
  const isOnline = () => nodes.every(({ uplink }) => uplink.status().link.state === 'online');
  assert.ok(isOnline());
  return { clock, broker, nodes, isOnline };
}

/** The most events in a tenth of the time from the first to the last, over the mean of the tenths. */
function peakToMean(timesNs: readonly bigint[]): number {
  const [firstNs, lastNs] = [timesNs[0]!, timesNs.at(-1)!];
  const bins = new Array<number>(BINS).fill(0);
  for (const at of timesNs) {
    bins[Math.min(BINS - 1, Number((BigInt(BINS) * (at - firstNs)) / (lastNs - firstNs)))]! += 1;
  }
  return Math.max(...bins) / (timesNs.length / BINS);
}

function tell(t: TestContext, what: string, timesNs: readonly bigint[], peak: number): void {
  const spanS = Number(timesNs.at(-1)! - timesNs[0]!) / 1e9;
  t.diagnostic(`${what}: ${timesNs.length} in ${spanS.toFixed(1)} s, peak ${peak.toFixed(2)} × mean`);
}

for (const outageS of [0.5, 2, 5, 10, 30, 60, 300, 1_800]) {
  test(`FAULTS 36: a broker was away for ${outageS} s: 200 nodes come back with a peak of at most 3 × the mean`, async (t) => {
    const { clock, broker, isOnline } = await herd();
    const before = broker.connectsNs.length;
    broker.restart(1000 * outageS);
    await clock.advance(1000 * outageS + 310_000);
    assert.ok(isOnline());
    const back = broker.connectsNs.slice(before);
    assert.equal(back.length, NODES, 'each came once');
    const peak = peakToMean(back);
    tell(t, `${outageS} s away, seed ${SEED}`, back, peak);
    assert.ok(peak <= 3, `${peak}`);
  });
}

test('FAULTS 36: what 200 nodes kept meanwhile goes once, as fast as the broker takes it', async (t) => {
  const BLOCKS = 60;
  const { clock, broker, nodes } = await herd({ publishesPerS: 1_000 });
  broker.restart(60_000);
  await clock.advance(1_000);
  for (const { store } of nodes) for (let i = 0; i < BLOCKS; i++) store.commit([telemetry]);
  const before = broker.publishesNs.length;
  await clock.advance(310_000);
  assert.ok(nodes.every(({ store }) => store.left.length === 0));
  const sent = broker.publishesNs.slice(before);
  assert.equal(sent.length, NODES * (1 + BLOCKS), 'each block and each birth once');
  const peak = peakToMean(sent);
  tell(t, `publishes, seed ${SEED}`, sent, peak);
  assert.ok(peak <= 3, `${peak}`);
});
