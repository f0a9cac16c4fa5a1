import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERT_MIGRATIONS, storeFacts } from '../../../fleet/alerts/index.js';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { Descriptor } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import { onBothDatabases } from '../db/databases.js';
import { block, meta, NODE, S, T0, T0_MS } from '../store/blocks.js';
import { deliveries, worldOf } from './fixtures.js';

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
      ['closed', 10n, undefined, 'Cold store', 'temperature 9 Cel, humidity 40 %RH'],
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

    const later = openStore(db, { nowMs: () => T0_MS + 9 * 86_400_000 });
    while (await later.forgetRows({ readings: 7 }));
    const kept = (await w.alerts.list({ limit: 9 })).find(({ id }) => id === late!.id);
    assert.deepEqual([kept!.state, kept!.from, kept!.isRemoved], ['closed', undefined, true]);
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
