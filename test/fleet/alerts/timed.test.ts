import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyAtMs } from '../../../fleet/alerts/forecast.js';
import { ALERT_MIGRATIONS, type Histories } from '../../../fleet/alerts/index.js';
import type { Database } from '../../../fleet/db/index.js';
import { onBothDatabases } from '../db/databases.js';
import { CLIMATE, deliveries, NODE, T0_MS, worldOf } from './fixtures.js';

const HOUR_MS = 3_600_000;
const OTHER = 'ffeeddccbbaa9988';

/** As ticks would have noted it. */
const listened = (db: Database, fromMs: number, untilMs: number) =>
  db.query('INSERT INTO listened (from_ms, until_ms) VALUES ($1, $2)', [BigInt(fromMs), BigInt(untilMs)]);

onBothDatabases('alerts of time', (fresh) => {
  test('a prod node is silent after a day, once, and speaks again', async () => {
    const db = await fresh(ALERT_MIGRATIONS);
    const w = await worldOf(db);
    const nodes = async () =>
      [...w.heard].map(([node, seen]) => ({ node, group: w.groups.get(node), ...seen })) as never;
    const other = await worldOf(db, {
      histories: { nodes, node: async () => undefined, series: async () => undefined },
    });
    w.groups.set(OTHER, 'dev');
    await w.take({ first: 1, rows: [[5]] }, { node: OTHER, streamId: 2n, first: 1, rows: [[5]] });
    const tickAt = async (ms: number) => {
      w.nowMs = other.nowMs = T0_MS + ms;
      await Promise.all([w.alerts.tick(), other.alerts.tick()]);
    };
    await listened(db, T0_MS, T0_MS + 24 * HOUR_MS - 1);
    await tickAt(24 * HOUR_MS - 1);
    assert.deepEqual(await w.alerts.list({ limit: 9 }), []);
    await tickAt(24 * HOUR_MS);
    const [alert, ...rest] = await w.alerts.list({ limit: 9 });
    assert.deepEqual([alert!.node, alert!.state, alert!.sinceMs, rest], [NODE, 'open', T0_MS, []]);
    assert.equal((await deliveries(w)).length, 1);
    w.heard.set(NODE, { heardMs: w.nowMs, latestWallNs: undefined });
    await tickAt(25 * HOUR_MS);
    assert.equal((await w.alerts.list({ limit: 9 }))[0]!.state, 'closed');
    assert.equal((await deliveries(w)).length, 2);
  });

  test('nobody is silent for what the fleet did not hear itself: off, away from its database or broker, or its clock moved', async () => {
    const db = await fresh(ALERT_MIGRATIONS);
    let isHearing = true;
    const w = await worldOf(db, { isHearing: () => isHearing });
    const condition = { kind: 'silence', afterS: 1_200 };
    await w.alerts.rules.put({ name: 'Silent', severity: 'info', tell: [], condition }, 'ada', w.nowMs);
    w.groups.set(OTHER, 'prod');
    await w.take({ first: 1, rows: [[5]] }, { node: OTHER, streamId: 2n, first: 1, rows: [[5]] });
    const openAt = async (minutes: number) => {
      for (; w.nowMs < T0_MS + minutes * 60_000; w.nowMs += 60_000) await w.alerts.tick();
      await w.alerts.tick();
      return (await w.alerts.list({ state: 'open', limit: 9 })).map(({ node }) => node).sort();
    };
    assert.deepEqual(await openAt(15), []);
    // It was off for a day: by then each was silent for 15 min that it listened.
    const day = 24 * 60;
    w.nowMs = T0_MS + (15 + day) * 60_000;
    assert.deepEqual(await openAt(15 + day + 9), []);
    w.heard.set(NODE, { heardMs: w.nowMs, latestWallNs: undefined });
    assert.deepEqual(await openAt(15 + day + 10), [OTHER]);
    isHearing = false;
    assert.deepEqual(await openAt(15 + day + 60), [OTHER]);
    isHearing = true;
    assert.deepEqual(await openAt(15 + day + 68), [OTHER]);
    assert.deepEqual(await openAt(15 + day + 81), [NODE, OTHER]);
  });

  test('one stream of a node may fall silent, whatever the others say', async () => {
    const w = await worldOf(await fresh(ALERT_MIGRATIONS));
    const condition = { kind: 'silence', afterS: 60 };
    const rule = { name: 'No climate', severity: 'info', tell: [], scope: { stream: 'clim*' }, condition };
    await w.alerts.rules.put(rule, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[5]] }, { streamId: 2n, stream: 'power', first: 1, rows: [[5]] });
    w.nowMs += 60_000;
    await listened(w.db, T0_MS, w.nowMs);
    await w.take({ streamId: 2n, stream: 'power', first: 2, rows: [[5]] });
    await w.alerts.tick();
    assert.deepEqual(
      (await w.alerts.list({ limit: 9 })).map(({ state, stream, sinceMs }) => [state, stream, sinceMs]),
      [['open', 'climate', T0_MS]],
    );
    await w.take({ first: 2, rows: [[5]] });
    await w.alerts.tick();
    assert.equal((await w.alerts.list({ limit: 9 }))[0]!.state, 'closed');
  });

  test('no motion is by the rows own times: a silent node does not rest, a backlog that moved ends it', async () => {
    const w = await worldOf(await fresh(ALERT_MIGRATIONS));
    const condition = { kind: 'noMotion', channel: 'temperature', above: 1, afterS: 100 } as const;
    await w.alerts.rules.put({ name: 'Rests', severity: 'info', tell: [], condition }, 'ada', w.nowMs);
    const open = async () => {
      await w.alerts.tick();
      return (await w.alerts.list({ state: 'open', limit: 9 })).map(({ sinceMs }) => sinceMs! - T0_MS);
    };
    await w.take({ first: 10, rows: [[5], [0]] });
    w.nowMs += HOUR_MS;
    assert.deepEqual(await open(), []);
    await w.take({ first: 109, rows: [[0]] });
    assert.deepEqual(await open(), []);
    await w.take({ first: 110, rows: [[0]] });
    assert.deepEqual(await open(), [10_000]);
    await w.take({ first: 60, rows: [[3]] });
    assert.deepEqual(await open(), []);
  });

  test('what nobody measured is no rest: another stream that goes on, a node that was off', async () => {
    const w = await worldOf(await fresh(ALERT_MIGRATIONS));
    const condition = { kind: 'noMotion', channel: 'temperature', above: 1, afterS: 100 } as const;
    await w.alerts.rules.put({ name: 'Rests', severity: 'info', tell: [], condition }, 'ada', w.nowMs);
    const open = async () => {
      await w.alerts.tick();
      return (await w.alerts.list({ state: 'open', limit: 9 })).map(({ sinceMs }) => sinceMs! - T0_MS);
    };
    await w.take({ first: 10, rows: [[5], [0]] });
    await w.take({ streamId: 2n, stream: 'power', first: 300, rows: [[7]] });
    assert.deepEqual(await open(), []);
    await w.take({ first: 500, rows: [[0]] });
    assert.deepEqual(await open(), []);
    await w.take({ first: 590, rows: [[0]] }, { first: 600, rows: [[0]] });
    assert.deepEqual(await open(), [500_000]);
  });

  test('a battery that will be empty in time is told of', async () => {
    // 12.8 V falling by 0.05 V an hour: 12 V is 16 h after the first sample, 4 h after the last one.
    const buckets = Array.from({ length: 13 }, (_, hour) => {
      const mean = 12.8 - 0.05 * hour;
      return { wallMs: T0_MS - (12 - hour) * HOUR_MS, min: mean, max: mean, mean, count: 60 };
    });
    const stream = {
      streamId: 1n,
      node: NODE,
      epoch: 'e',
      stream: 'power',
      logClass: 'telemetry',
      channels: CLIMATE,
    };
    const node = { node: NODE, name: 'truck', group: 'prod', streams: [stream] };
    const histories = {
      nodes: async () => [node],
      node: async () => node,
      series: async () => ({ channel: CLIMATE[0], buckets, holes: [], uncertainty: [], timeless: 0n }),
    } as unknown as Histories;
    const w = await worldOf(await fresh(ALERT_MIGRATIONS), { histories });
    const rule = (hoursLeft: number) => ({
      name: `Empty in ${hoursLeft} h`,
      severity: 'warning',
      condition: { kind: 'batteryForecast', channel: 'temperature', empty: 12, hoursLeft },
    });
    for (const hours of [3, 5]) await w.alerts.rules.put(rule(hours), 'ada', w.nowMs);
    await w.alerts.tick();
    assert.deepEqual(
      (await w.alerts.list({ limit: 9 })).map(({ rule: { spec }, detail }) => [spec.name, detail]),
      [['Empty in 5 h', 'temperature reaches 12 in 4.0 h, by a line through the last day']],
    );
  });
});

test('a line through too little, or upwards, forecasts nothing', () => {
  const samples = (hours: number, step: number) =>
    Array.from({ length: hours + 1 }, (_, i) => ({ wallMs: i * HOUR_MS, mean: 12 + i * step }));
  assert.equal(emptyAtMs(samples(5, -0.1), 11), undefined);
  assert.equal(emptyAtMs(samples(12, 0.1), 11), undefined);
  assert.equal(emptyAtMs(samples(12, 0), 11), undefined);
  assert.equal(Math.round(emptyAtMs(samples(8, -0.1), 11)! / HOUR_MS), 10);
});
