import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { openStore, STORE_MIGRATIONS, type Store } from '../../../fleet/store/index.js';
import { changesOf, createWeb } from '../../../fleet/web/index.js';
import type { Descriptor } from '../../../wire/index.js';
import { onBothDatabases } from '../db/databases.js';
import { anchor, block, EPOCH, logBlock, meta, NODE, T0, T0_MS } from '../store/blocks.js';
import { page } from './served.js';

const CLIMATE: Descriptor = {
  ...{ stream: 'climate', version: 1, title: 'Climate <1>' },
  class: 'telemetry',
  channels: [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }],
};
/** A row a second, more than an export asks of the database at once. */
const ROWS = 4_500;

const webOver = (store: Store, nowMs: () => number) =>
  createWeb({
    ...{ store, nowMs, news: new EventEmitter(), plugins: [], audit: async () => undefined },
    openAlerts: async () => new Map(),
    health: () => ({ services: [] }),
  });

onBothDatabases('the web over the store', (fresh) => {
  test('what was taken is on the pages and in the exports', async () => {
    const nowMs = () => T0_MS + 7_200_000;
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs });
    const rows = Array.from({ length: ROWS }, (_, i) => [i / 4]);
    const taken = await store.take(
      [
        meta([{ kind: 'descriptor', value: CLIMATE }, anchor(0, T0)]),
        block(rows.slice(0, 4_000)),
        block(rows.slice(4_000), { first: 4_000, atS: 4_010 }),
        logBlock([['warn', 'uplink', 'broker <gone>']]),
      ],
      nowMs(),
    );
    assert.deepEqual(
      changesOf(taken).map(({ kind }) => kind),
      ['node', 'node', 'node', 'log'],
    );
    const app = webOver(store, nowMs);
    assert.match((await page(app, '/')).body, new RegExp(`href="/nodes/${NODE}"`));
    const node = await page(app, `/nodes/${NODE}`);
    assert.match(node.body, /Climate &#60;1&#62;/);
    assert.match(node.body, /4,500 rows received, none lost/);
    const [, stream] = /data-stream="(\d+)"/.exec(node.body)!;
    assert.match((await page(app, '/logs?level=warn')).body, /broker &#60;gone&#62;/);
    const csv = await app.inject(`/api/v1/streams/${stream}/readings?format=csv`);
    const lines = csv.body.trimEnd().split('\r\n').slice(1);
    assert.deepEqual(
      lines.map((line) => line.split(',')[0]),
      rows.map((_, i) => String(i)),
    );
    // Row 4,000 is 4,010 s after T0, 2026-01-01T00:00:00Z.
    assert.equal(lines[4_000], '4000,2026-01-01T01:06:50.000000000Z,1000,');
    const senml = JSON.parse((await app.inject(`/api/v1/streams/${stream}/readings?format=senml`)).body);
    assert.equal(senml.length, ROWS);
    await app.close();
  });

  test('what retention took is said where it was: on the node and among the logs', async () => {
    let now = T0_MS + 7_200_000;
    const nowMs = () => now;
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs });
    const descriptor = { kind: 'descriptor', value: CLIMATE } as const;
    const gap = {
      epoch: EPOCH,
      stream: 'climate',
      first: 1,
      last: 1,
      cause: 'overflow',
      atMost: false,
    } as const;
    await store.take(
      [
        meta([descriptor, anchor(0, T0), { kind: 'gap', value: gap }]),
        block([[1], [2], [3]]),
        logBlock([['warn', 'uplink', 'early']]),
      ],
      now,
    );
    now += 9 * 86_400_000;
    while (await store.forgetRows({ readings: 5, logs: 5 }));
    const app = webOver(store, nowMs);
    const { body } = await page(app, `/nodes/${NODE}`);
    assert.match(body, /3 rows received, none lost, .*1 contradicted/);
    assert.match(body, /Removed by retention: 3 rows, until <time .*2026-01-01 00:00:12 UTC/);
    assert.match(body, /<th scope="row">climate<\/th>.*<code>fedcba9876543210<\/code>.*>1 row</);
    assert.match((await page(app, '/logs')).body, /Removed by retention: 1 row, until <time /);
    const answer = await app.inject(`/api/v1/nodes/${NODE}`);
    const { streams } = answer.json() as { readonly streams: readonly Readonly<Record<string, unknown>>[] };
    const { received, missing, contradictions, removed } = streams.find(
      ({ stream }) => stream === 'climate',
    )!;
    assert.deepEqual([received, missing, contradictions], [3, 0, 1]);
    assert.deepEqual(removed, {
      ...{ rows: 3, from: '2026-01-01T00:00:10.000000000Z', to: '2026-01-01T00:00:12.000000000Z' },
    });
    await app.close();
  });

  test('a time or a cursor that no database holds is answered by what is wrong', async (t) => {
    const nowMs = () => T0_MS;
    const store = openStore(await fresh(STORE_MIGRATIONS), { nowMs });
    await store.take([meta([{ kind: 'descriptor', value: CLIMATE }, anchor(0, T0)]), block([[1]])], nowMs());
    const app = createWeb({
      ...{ store, nowMs, news: new EventEmitter(), plugins: [], audit: async () => undefined },
      openAlerts: async () => new Map(),
      health: () => ({ services: [] }),
    });
    t.after(() => app.close());
    const [, stream] = /data-stream="(\d+)"/.exec((await page(app, `/nodes/${NODE}`)).body)!;
    for (const path of [
      `/api/v1/streams/${stream}/readings?to=9999-12-31T23:59:59Z`,
      `/api/v1/streams/${stream}/series?from=0001-01-01T00:00:00Z`,
      '/api/v1/logs?before=9999999999999999999-1-1',
      '/logs?from=0001-01-01T00:00',
      `/nodes/${NODE}?end=9999-12-31T23:59:59Z`,
    ]) {
      const { statusCode, body } = await page(app, path);
      assert.equal(statusCode, 400, path);
      assert.match(body, /1970 to 2261|`next` of the page before/, path);
    }
    for (const path of [
      `/api/v1/streams/${stream}/readings?from=1970-01-01T00:00:00Z&to=2261-12-31T23:59:59Z`,
      `/api/v1/streams/${stream}/series?from=1970-01-01T00:00:00Z&to=2261-12-31T23:59:59Z&points=1`,
    ])
      assert.equal((await app.inject(path)).statusCode, 200, path);
  });
});
