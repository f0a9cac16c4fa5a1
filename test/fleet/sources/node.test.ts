import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DatabaseError, migrate, openSqlite } from '../../../fleet/db/index.js';
import { DeadLetters, Ingest, Spool } from '../../../fleet/ingest/index.js';
import { Receipts } from '../../../fleet/receive/index.js';
import { embeddedBroker, mqttSource, type Source } from '../../../fleet/sources/index.js';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../../support/broker.js';
import { until } from '../../support/until.js';
import { FLEET_KEY } from '../../uplink/fleet-rig.js';
import { realUplink } from '../../uplink/real.js';

type Open = (take: Ingest['take']) => Promise<{ source: Source; url: string; remove(): Promise<void> }>;

const overEmbedded: Open = async (take) => {
  const source = await embeddedBroker({ host: '127.0.0.1', port: 0, authorize: () => true, take });
  return { source, url: `mqtt://127.0.0.1:${source.port}`, remove: () => source.close() };
};

const overMosquitto: Open = async (take) => {
  const broker = await startMosquitto();
  const source = mqttSource({ url: broker.url, clientId: 'fleet', take });
  await source.ready;
  const remove = async () => {
    await source.close();
    await broker.remove();
  };
  return { source, url: broker.url, remove };
};

for (const [name, open, skip] of [
  ['the embedded broker', overEmbedded, false],
  ['mosquitto', overMosquitto, WITHOUT_MOSQUITTO],
] as const) {
  test(`a real node of custody fleet over ${name}: while the database is away nothing is receipted, then all is freed`, {
    skip,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'cairn-node-'));
    const db = openSqlite(join(folder, 'fleet.db'));
    await migrate(db, STORE_MIGRATIONS);
    const store = openStore(db, { nowMs: Date.now });
    let isAway = true;
    const publish = (topic: string, payload: Uint8Array) => way.source.publish(topic, payload);
    const receipts = new Receipts({ key: FLEET_KEY, firstIssue: Date.now(), publish });
    const spool = await Spool.open({ folder: join(folder, 'spool'), maxBytes: 1 << 24 });
    const ingest = new Ingest({
      ...{ spool, receipts, nowMs: Date.now },
      alarmSpool: await Spool.open({ folder: join(folder, 'alarm-spool'), maxBytes: 1 << 24 }),
      deadLetters: await DeadLetters.open(join(folder, 'dead-letters'), 1 << 20),
      store: {
        node: (...given) => store.node(...given),
        heard: (...given) => store.heard(...given),
        refused: (...given) => store.refused(...given),
        take: (...given) =>
          isAway ? Promise.reject(new DatabaseError('down', 'away')) : store.take(...given),
      },
    });
    const way = await open((topic, payload) => ingest.take(topic, payload));
    const fleet = { keys: [], receiptDeadlineMs: 1_000 };
    const { uplink, store: nodeStore } = realUplink({ url: way.url, fleet }, undefined, undefined, [
      FLEET_KEY.publicKey,
    ]);
    t.after(async () => {
      await uplink.stop(0);
      await way.remove();
      await ingest.close();
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    });
    for (let i = 0; i < 30; i++) nodeStore.commit([{ class: 'telemetry', stream: 'climate', rows: 3 }]);
    uplink.start();
    await until('all is in the spool', () => spool.bytes > 0 && ingest.isSpooling);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(nodeStore.left.length, 30, 'a block was freed that the database does not have');
    isAway = false;
    await until('all blocks are freed', () => nodeStore.left.length === 0);
    const detail = await store.node(nodeStore.node, Date.now());
    const climate = detail?.streams.find(({ stream }) => stream === 'climate');
    assert.deepEqual([climate?.received, climate?.missing, climate?.conflicts], [90n, 0n, 0n]);
    await until('its status is there', () => uplink.status().link.state === 'online');
    assert.equal(detail?.status?.custody, 'fleet');
  });
}
