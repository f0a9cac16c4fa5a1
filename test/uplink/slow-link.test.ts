import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from './random.js';
import { rig } from './rig.js';
import { bytesOf, SlowLink } from './slow-link.js';

const isBacklog = (name: string) => name === 'bulk/imu' || name === 'telemetry/climate';

/** A rig on a slow link, with a backlog of `blocks` of `rows`; doubles hardly shrink, 8 bytes a row. */
async function slow(link: SlowLink['link'], blocks: number, rows: number) {
  const all = rig({ window: 200, pubackDeadlineMs: 60_000 });
  for (let i = 0; i < blocks; i++) all.store.commit([{ class: 'bulk', stream: 'imu', rows }]);
  all.uplink.start();
  all.port.accept();
  return { ...all, slowLink: new SlowLink(all.port, all.clock, link) };
}

for (const [bytesPerS, rttMs, rows] of [
  [2_000, 600, 20],
  [8_000, 600, 100],
  [50_000, 50, 400],
  [400_000, 20, 400],
] as const) {
  test(`FAULTS 37: an alarm beside a backlog on ${bytesPerS} B/s, ${rttMs} ms: it arrives within 2 s, and the link stays full`, async (t) => {
    const { store, slowLink } = await slow(
      { bytesPerS, rttMs },
      Math.ceil((bytesPerS * 60) / (rows * 8)),
      rows,
    );
    await slowLink.run(15_000);
    const latencies: number[] = [];
    for (let i = 0; i < 5; i++) {
      const committedMs = slowLink.nowMs;
      store.commit([{ class: 'alarm', stream: 'sos' }]);
      await slowLink.run(4_000 + 300 * i);
      const alarm = slowLink.arrived.filter((one) => one.name === 'alarm/sos').at(-1);
      assert.ok(alarm && alarm.atMs > committedMs);
      latencies.push(alarm.atMs - committedMs);
    }
    const from = slowLink.arrived[0]!.atMs + 6_000;
    const steady = slowLink.arrived.filter((one) => one.atMs > from);
    const used = bytesOf(steady, () => true) / ((slowLink.nowMs - from) / 1000) / bytesPerS;
    const worst = Math.max(...latencies);
    t.diagnostic(`worst alarm ${worst.toFixed(0)} ms, link ${(100 * used).toFixed(0)} % full`);
    assert.ok(worst < 2_000, `${worst} ms`);
    assert.ok(used > 0.9, `only ${used} of the link`);
  });
}

for (const [liveRows, backlogRows] of [
  [1500, 10],
  [10, 1500],
  [200, 200],
] as const) {
  test(`FAULTS 37: live blocks of ${liveRows} rows that fill the link beside backlog blocks of ${backlogRows}: a quarter stays the backlog's, in bytes`, async (t) => {
    const bytesPerS = 30_000;
    const { store, slowLink } = await slow(
      { bytesPerS, rttMs: 50 },
      Math.ceil(2e6 / (backlogRows * 8 + 60)),
      backlogRows,
    );
    store.liveStreams.add('hot');
    await slowLink.run(3_000);
    const before = slowLink.arrived.length;
    let made = 0;
    const began = slowLink.nowMs;
    // Twice what the link carries.
    await slowLink.run(20_000, () => {
      while (made < (2 * bytesPerS * (slowLink.nowMs - began)) / 1000) {
        for (const { bytes } of store.commit([{ class: 'telemetry', stream: 'hot', rows: liveRows }]))
          made += bytes.length;
      }
    });
    const arrived = slowLink.arrived.slice(before).filter((one) => one.atMs > began + 2_000);
    const share = bytesOf(arrived, isBacklog) / bytesOf(arrived, () => true);
    t.diagnostic(`backlog: ${(100 * share).toFixed(1)} % of the bytes`);
    assert.ok(share > 0.2 && share < 0.35, `${share}`);
    const hot = arrived.filter((one) => one.name === 'telemetry/hot').map((one) => firstOf(one.payload));
    assert.deepEqual(
      hot,
      [...hot].sort((a, b) => a - b),
      'a live stream keeps its order',
    );
  });
}

test('while live data leaves room the backlog has the rest of the link', async (t) => {
  const bytesPerS = 50_000;
  const { store, slowLink } = await slow({ bytesPerS, rttMs: 100 }, 400, 1000);
  store.liveStreams.add('hot');
  await slowLink.run(3_000);
  const before = slowLink.arrived.length;
  let ticks = 0;
  await slowLink.run(20_000, () => {
    if (ticks++ % 20 === 0) store.commit([{ class: 'telemetry', stream: 'hot', rows: 100 }]);
  });
  const arrived = slowLink.arrived.slice(before);
  const used = bytesOf(arrived, () => true) / 20 / bytesPerS;
  const live = bytesOf(arrived, (name) => name === 'telemetry/hot') / 20;
  t.diagnostic(`live ${live.toFixed(0)} B/s, link ${(100 * used).toFixed(0)} % full`);
  assert.ok(used > 0.9, `${used}`);
});

test('FAULTS 35: 1 % loss, 600 ms round trip: the backlog has at least four fifths of the link, and alarms arrive', async (t) => {
  for (const seed of [1, 2, 3]) {
    const bytesPerS = 40_000;
    const link = { bytesPerS, rttMs: 600, loss: 0.01, random: seededRandom(seed) };
    const { store, slowLink } = await slow(link, 1_000, 200);
    await slowLink.run(8_000);
    const [from, alarms] = [slowLink.nowMs, 8];
    const latencies: number[] = [];
    for (let i = 0; i < alarms; i++) {
      const committedMs = slowLink.nowMs;
      store.commit([{ class: 'alarm', stream: 'sos' }]);
      await slowLink.run(3_500);
      latencies.push(slowLink.arrived.filter((one) => one.name === 'alarm/sos').at(-1)!.atMs - committedMs);
    }
    const used =
      bytesOf(
        slowLink.arrived.filter((one) => one.atMs > from),
        isBacklog,
      ) /
      ((slowLink.nowMs - from) / 1000) /
      bytesPerS;
    const [median, worst] = [latencies.sort((a, b) => a - b)[alarms >> 1]!, latencies.at(-1)!];
    t.diagnostic(
      `seed ${seed}: ${(100 * used).toFixed(0)} % of the link, alarms ${median.toFixed(0)} ms, at worst ${worst.toFixed(0)} ms`,
    );
    assert.ok(used >= 0.8, `${used} of the link`);
    assert.ok(median < 2_500 && worst < 3_500, `${worst} ms`);
  }
});

/** First sequence number: docs/wire-format.md §1.1. */
function firstOf(block: Uint8Array): number {
  return Number(new DataView(block.buffer, block.byteOffset).getBigUint64(24, true));
}
