import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERT_MIGRATIONS, storeFacts } from '../../../fleet/alerts/index.js';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { Descriptor } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import { onBothDatabases } from '../db/databases.js';
import { anchor, block, logBlock, meta, NODE, S, T0, T0_MS } from '../store/blocks.js';
import { deliveries, worldOf } from './fixtures.js';

const DAY_MS = 86_400_000;
const CLIMATE: Descriptor = {
  stream: 'climate',
  version: 1,
  title: 'Air',
  class: 'telemetry',
  channels: [
    { name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } },
    { name: 'humidity', quantity: 'relativeHumidity', type: { kind: 'f64' } },
  ],
};

onBothDatabases('alerts in the transaction of the store', (fresh) => {
  test('a day of backlog beside live rows: the alert is where it belongs, and its time moves with a late anchor', async () => {
    const db = await fresh([...STORE_MIGRATIONS, ...ALERT_MIGRATIONS]);
    const store = openStore(db, { nowMs: () => T0_MS });
    const w = await worldOf(db, { facts: storeFacts(), histories: store });
    const warm = {
      name: 'Too warm',
      severity: 'warning',
      scope: { group: 'prod' },
      condition: { kind: 'threshold', channel: 'temperature', above: 8 },
    };
    await w.alerts.rules.put(warm, 'ada', w.nowMs);
    const take = (...incoming: Parameters<typeof store.take>[0]) =>
      store.take(incoming, w.nowMs, (tx, taken) => w.alerts.judge(tx, taken));

    await take(block([[5, 40]], { first: 100, atS: 1_000 }));
    await store.rename(NODE, { group: 'prod', name: 'Cold store' });
    await take(block([[9, 40]], { first: 101, atS: 1_001 }));
    assert.deepEqual(await w.alerts.list({ limit: 9 }), []);
    await take(meta([{ kind: 'descriptor', value: CLIMATE }]));
    await w.alerts.tick();
    assert.equal((await w.alerts.list({ state: 'open', limit: 9 })).length, 1);

    await take(
      block(
        [
          [9, 40],
          [9.5, 41],
          [4, 40],
        ],
        { first: 10, atS: 100 },
      ),
    );
    const [late, live] = await w.alerts.list({ limit: 9, groups: ['prod'] });
    assert.deepEqual(
      [late!.state, late!.firstSequence, late!.from, late!.nodeName, late!.detail],
      ['closed', 10n, undefined, 'Cold store', 'temperature 9 °C, humidity 40 % RH'],
    );
    assert.equal(live!.firstSequence, 101n);
    assert.deepEqual(await w.alerts.list({ limit: 9, groups: ['dev'] }), []);

    const anchor = {
      boot: 1,
      monotonicNs: 100n * S,
      wallNs: T0,
      uncertaintyNs: S / 2n,
      source: 'gnss' as const,
    };
    await take(meta([{ kind: 'anchor', value: anchor }], { first: 1 }));
    while (await store.repairTimes());
    const seen = await w.alerts.get(late!.id);
    assert.equal(seen!.from!.wallNs, T0);
    assert.equal(Math.round(seen!.from!.uncertaintyMs!), 500);
    assert.equal(seen!.until!.wallNs, T0 + S);
    assert.equal((await deliveries(w)).filter((line) => line.includes('opened')).length, 2);

    const laterMs = T0_MS + 9 * 86_400_000;
    const later = openStore(db, { nowMs: () => laterMs });
    // As others of its streams go on.
    await db.query('UPDATE node SET latest_ns = $1', [BigInt(laterMs) * 1_000_000n]);
    while (await later.forgetRows({ readings: 7 }));
    const kept = (await w.alerts.list({ limit: 9 })).find(({ id }) => id === late!.id);
    assert.deepEqual([kept!.state, kept!.from, kept!.isRemoved], ['closed', undefined, true]);
  });

  test('alerts that ended 400 days ago go; not where this machine alone believes that it is so late', async () => {
    const db = await fresh([...STORE_MIGRATIONS, ...ALERT_MIGRATIONS]);
    const store = openStore(db, { nowMs: () => w.nowMs });
    const w = await worldOf(db, { facts: storeFacts(), histories: store });
    w.nowMs = T0_MS;
    const take = (...incoming: Parameters<typeof store.take>[0]) =>
      store.take(incoming, w.nowMs, (tx, taken) => w.alerts.judge(tx, taken));
    await take(meta([{ kind: 'descriptor', value: CLIMATE }]), meta([anchor(0, T0)], { first: 1 }));
    const condition = { kind: 'threshold', channel: 'temperature', above: 8 };
    await w.alerts.rules.put({ name: 'Too warm', severity: 'warning', condition }, 'ada', w.nowMs);
    await take(
      block(
        [
          [9, 40],
          [5, 40],
        ],
        { first: 1, atS: 1 },
      ),
    );
    const states = async () => (await w.alerts.list({ limit: 9 })).map(({ state }) => state);
    assert.deepEqual(await states(), ['closed']);
    w.nowMs += 401 * DAY_MS;
    await w.alerts.tick();
    assert.deepEqual(await states(), ['closed'], 'no node says that it is so late');
    await take(block([[5, 40]], { first: 3, atS: 401 * 86_400 }));
    w.nowMs += DAY_MS;
    await w.alerts.tick();
    assert.deepEqual([await states(), await deliveries(w)], [[], []]);
  });

  test('an alarm that no disk of its node holds is of its node: its group, its name, its place and of when that is', async () => {
    const db = await fresh([...STORE_MIGRATIONS, ...ALERT_MIGRATIONS]);
    const store = openStore(db, { nowMs: () => T0_MS });
    const sent: string[] = [];
    const transport = {
      scheme: 'mail' as const,
      send: async ({ text }: { readonly text: string }) => void sent.push(text),
    };
    const w = await worldOf(db, {
      facts: storeFacts(),
      histories: store,
      transports: [transport],
      nowMs: () => T0_MS,
    });
    const pressed = {
      name: 'Pressed',
      severity: 'critical',
      scope: { group: 'prod' },
      condition: { kind: 'sos' },
    };
    await w.alerts.rules.put(pressed, 'ada', T0_MS);
    const take = (...incoming: Parameters<typeof store.take>[0]) =>
      store.take(incoming, T0_MS, (tx, taken) => w.alerts.judge(tx, taken));
    const channel = (name: string, quantity: 'latitude' | 'longitude') =>
      ({ name, quantity, type: { kind: 'f64' } }) as const;
    const pack = {
      kind: 'pack' as const,
      ...{ stream: 'place', logClass: 'telemetry' as const, identity: Uint8Array.of(1) },
      ...{ wallNs: [T0 - 86_400n * S], values: Float64Array.of(47.5, 8.25) },
      channels: [channel('latitude', 'latitude'), channel('longitude', 'longitude')],
    };
    await take({ ...pack, device: NODE });
    await store.rename(NODE, { group: 'prod', name: 'Lift 3' });
    await take({ ...pack, device: `notice:${NODE}`, stream: 'sos', logClass: 'alarm' });
    const mine = (await w.alerts.list({ limit: 9 })).filter(({ rule }) => rule.spec.name === 'Pressed');
    assert.deepEqual(
      mine.map(({ nodeName, group }) => [nodeName, group]),
      [['Lift 3', 'prod']],
    );
    w.alerts.start();
    await until('a mail', () => sent.length > 0);
    await w.alerts.stop();
    const day = new Date(T0_MS - 86_400_000).toISOString().slice(0, 19).replace('T', ' ');
    assert.match(sent[0]!, new RegExp(`^Where: {2}47.50000, 8.25000 \\(its latest, of ${day} UTC\\)`, 'm'));
  });

  test('an alert of a log line has its time, its end the time of its row; one without a time is from before the next boot', async () => {
    const db = await fresh([...STORE_MIGRATIONS, ...ALERT_MIGRATIONS]);
    const store = openStore(db, { nowMs: () => T0_MS });
    const w = await worldOf(db, { facts: storeFacts(), histories: store });
    const take = (...incoming: Parameters<typeof store.take>[0]) =>
      store.take(incoming, w.nowMs, (tx, taken) => w.alerts.judge(tx, taken));
    for (const [stream, condition] of [
      ['log', { kind: 'sos' }],
      ['climate', { kind: 'threshold', channel: 'temperature', above: 8 }],
    ] as const)
      await w.alerts.rules.put(
        { name: stream, severity: 'info', scope: { stream }, condition },
        'ada',
        w.nowMs,
      );
    // Boot 2 began at T0 - 100 s.
    await take(meta([{ kind: 'descriptor', value: CLIMATE }, anchor(0, T0 - 100n * S, 1, 2)]));
    await take(
      logBlock([['error', 'store', 'disk full']], { first: 5, boot: 2, atS: 30 }),
      block(
        [[9], [4]].map((row) => [...row, 40]),
        { first: 5, boot: 2, atS: 40 },
      ),
      logBlock([['error', 'store', 'disk full']], { boot: 1 }),
    );
    const [untimed, warm, line] = await w.alerts.list({ limit: 9 });
    assert.equal(line!.from!.wallNs, T0 - 70n * S);
    assert.deepEqual([warm!.from!.wallNs, warm!.ended!.wallNs], [T0 - 60n * S, T0 - 59n * S]);
    const detail = await w.alerts.get(untimed!.id);
    assert.equal(detail!.from, undefined);
    // Boot 1 went on for a second after it: there is a row of its own meta stream.
    assert.equal(Math.round(Number(T0 - detail!.notAfterNs!) / 1e8), 1_010);
  });

  test('motion at a time that nobody knew opens no rest: it is placed by the next boot, then by its own anchor', async () => {
    const db = await fresh([...STORE_MIGRATIONS, ...ALERT_MIGRATIONS]);
    const store = openStore(db, { nowMs: () => T0_MS });
    const w = await worldOf(db, { facts: storeFacts(), histories: store });
    const condition = { kind: 'noMotion', channel: 'temperature', above: 8, afterS: 3_600 };
    await w.alerts.rules.put({ name: 'Rests', severity: 'info', tell: [], condition }, 'ada', w.nowMs);
    const take = (...incoming: Parameters<typeof store.take>[0]) =>
      store.take(incoming, w.nowMs, (tx, taken) => w.alerts.judge(tx, taken));
    const row = (temperature: number, first: number, boot: number, atS: number) =>
      block([[temperature, 40]], { first, boot, atS });
    const openSinceS = async () => {
      while (await store.repairTimes());
      await w.alerts.tick();
      const open = await w.alerts.list({ state: 'open', limit: 9 });
      return open.map(({ sinceMs }) => Math.round((sinceMs! - T0_MS) / 1_000));
    };
    // It moved at T0 - 5,500 s; then in boot 2, which nobody can place; it rests in boot 3, from T0 - 2,000 s on.
    await take(meta([{ kind: 'descriptor', value: CLIMATE }, anchor(0, T0 - 5_500n * S)]));
    await take(row(9, 0, 1, 0), row(9, 1, 2, 1_000));
    assert.deepEqual(await openSinceS(), []);
    await take(meta([anchor(0, T0 - 2_000n * S, 1, 3)], { first: 10, boot: 3, atS: 0 }), row(1, 5, 3, 0));
    await take(row(1, 6, 3, 2_000));
    assert.deepEqual(await openSinceS(), [], 'by its boot it may have moved 2,000 s ago');
    await take(meta([anchor(1_000, T0 - 5_000n * S, 1, 2)], { first: 20 }));
    assert.deepEqual(await openSinceS(), [-5_000]);
    await take(row(9, 2, 2, 1_200));
    assert.deepEqual(await openSinceS(), [-4_800], 'a late row moves where it began');
  });

  test('many at once, in any order, from several connections: the alerts are those of the rows in order', async () => {
    const db = await fresh([...STORE_MIGRATIONS, ...ALERT_MIGRATIONS]);
    const store = openStore(db, { nowMs: () => T0_MS });
    const w = await worldOf(db, { facts: storeFacts(), histories: store });
    await w.alerts.rules.put(
      {
        name: 'Warm',
        severity: 'info',
        tell: [],
        condition: { kind: 'threshold', channel: 'temperature', above: 8 },
      },
      'ada',
      w.nowMs,
    );
    const take = (...incoming: Parameters<typeof store.take>[0]) =>
      store.take(incoming, w.nowMs, (tx, taken) => w.alerts.judge(tx, taken));
    const temperatures = [9, 9, 5, 9, 5, 5, 9, 9, 9, 5, 5, 9, 5, 9, 9, 9, 9, 5, 5, 9, 9, 9, 9, 9];
    // 7 and 24 have no divisor in common: every block comes, none where it belongs.
    const order = temperatures.map((_, i) => (i * 7) % temperatures.length);
    await take(meta([{ kind: 'descriptor', value: CLIMATE }]));
    await Promise.all(order.map((i) => take(block([[temperatures[i]!, 40]], { first: i, atS: 100 + i }))));
    const found = await w.alerts.list({ limit: 99 });
    assert.deepEqual(
      found
        .filter(({ state }) => state === 'open' || state === 'closed')
        .map(({ state, firstSequence, lastSequence }) => `${state} ${firstSequence}-${lastSequence}`)
        .sort(),
      ['closed 0-1', 'closed 11-11', 'closed 13-16', 'closed 3-3', 'closed 6-8', 'open 19-23'],
    );
  });
});
