import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import { changesOf, createWeb } from '../../../fleet/web/index.js';
import type { Descriptor } from '../../../wire/index.js';
import { onBothDatabases } from '../db/databases.js';
import { anchor, block, logBlock, meta, NODE, T0, T0_MS } from '../store/blocks.js';
import { page } from './served.js';

const CLIMATE: Descriptor = {
  ...{ stream: 'climate', version: 1, title: 'Climate <1>' },
  class: 'telemetry',
  channels: [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }],
};
/** A row a second, more than an export asks of the database at once. */
const ROWS = 4_500;

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
    const app = createWeb({
      ...{ store, nowMs, news: new EventEmitter(), plugins: [], audit: async () => undefined },
      openAlerts: async () => new Map(),
      health: () => ({ services: [] }),
    });
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
});
