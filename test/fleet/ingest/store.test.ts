import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Database, migrate, openPostgres, openSqlite } from '../../../fleet/db/index.js';
import { DeadLetters, Ingest, lineChecksum, Spool } from '../../../fleet/ingest/index.js';
import { openStore, STORE_MIGRATIONS, type Store } from '../../../fleet/store/index.js';
import type { DecodedHeader } from '../../../native/index.js';
import { statusTopic } from '../../../wire/index.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import { onBothDatabases } from '../db/databases.js';
import { block, NODE, senml } from './messages.js';

const root = mkdtempSync(join(tmpdir(), 'cairn-ingest-store-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

async function ingestOn(db: Database, folder = join(root, String(++count))) {
  const store = openStore(db, { nowMs: Date.now });
  const receipts: number[] = [];
  const spool = await Spool.open({ folder: join(folder, 'spool'), maxBytes: 1 << 24 });
  const ingest = new Ingest({
    ...{ store, spool, nowMs: Date.now },
    alarmSpool: await Spool.open({ folder: join(folder, 'alarm-spool'), maxBytes: 1 << 24 }),
    deadLetters: await DeadLetters.open(join(folder, 'dead-letters'), 1 << 20),
    receipts: { held: ({ first }: DecodedHeader) => receipts.push(first) },
  });
  return { store, ingest, receipts, spool };
}

async function receivedOf(store: Store, node: string, stream: string): Promise<number> {
  const detail = await store.node(node, Date.now());
  return Number(detail?.streams.find((one) => one.stream === stream)?.received ?? 0n);
}

onBothDatabases('ingest', (fresh) => {
  test('blocks, packs, lines and statuses are in the store; channels keep their places over restarts', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const first = await ingestOn(db);
    const LINE = 'CTRK,4711,12,,47.3769,8.5417,13.9,1,3.82,sos';
    const sent = [
      ...[block(0, [1, 2, 3]), block(3, [4]), block(0, [1, 2, 3])],
      { topic: statusTopic(NODE), payload: Buffer.from('{"state":"online","payloads":["packet"]}') },
      { topic: 'tracker/4711', payload: Buffer.from(`$${LINE}*${lineChecksum(LINE)}`) },
      senml('truck', [{ n: 'temp', u: 'Cel', v: 20 }]),
    ];
    const outcomes = await Promise.all(sent.map(({ topic, payload }) => first.ingest.take(topic, payload)));
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['held']));
    await first.ingest.close();
    const second = await ingestOn(db);
    const oil = senml('truck', [{ n: 'oil', u: 'Pa', v: 9 }]);
    await second.ingest.take(oil.topic, oil.payload);
    const volts = senml('truck', [{ n: 'temp', u: 'V', v: 9 }]);
    const refused = await second.ingest.take(volts.topic, volts.payload);
    await second.ingest.close();
    assert.ok(refused.kind === 'refusal' && refused.cause === 'unitMismatch');
    const { store } = second;
    assert.deepEqual([await receivedOf(store, NODE, 'climate'), first.receipts.sort()], [4, [0, 0, 3]]);
    assert.equal((await store.node(NODE, Date.now()))?.status?.state, 'online');
    const truck = await store.node('senml:truck', Date.now());
    assert.deepEqual(
      truck?.streams.map(({ channels, received }) => [channels.map(({ name }) => name), received]),
      [[['temp', 'oil'], 2n]],
    );
    const tracker = await store.node('tracker:4711', Date.now());
    assert.deepEqual(tracker?.streams.map(({ stream, logClass }) => `${stream} ${logClass}`).sort(), [
      'alarm alarm',
      'position telemetry',
    ]);
    assert.deepEqual([tracker?.position?.latitude, tracker?.position?.longitude], [47.3769, 8.5417]);
    assert.deepEqual(await store.refusals(), { unitMismatch: 1n });
  });

  test('two processes learn of channels at their own times: none makes another version for what the other knows', async () => {
    const db = await fresh(STORE_MIGRATIONS);
    const both = [await ingestOn(db), await ingestOn(db)];
    const send = async (
      which: number,
      at: number,
      values: Readonly<Record<string, readonly [string, number]>>,
    ) => {
      const records = Object.entries(values).map(([n, [u, v]]) => ({ n, u, v, t: 1_795_400_000 + at }));
      const { topic, payload } = senml('truck', records);
      return both[which]!.ingest.take(topic, payload);
    };
    await send(0, 0, { temp: ['Cel', 20] });
    await send(1, 1, { temp: ['Cel', 21] });
    await send(0, 2, { temp: ['Cel', 22], oil: ['Pa', 9] });
    for (let at = 3; at < 9; at++) await send(at % 2, at, { temp: ['Cel', 20 + at] });
    const wrong = await send(1, 9, { oil: ['V', 9] });
    assert.ok(wrong.kind === 'refusal' && wrong.cause === 'unitMismatch');
    for (const { ingest } of both) await ingest.close();
    const [versions] = await db.query('SELECT count(*) AS n FROM descriptor');
    assert.equal(versions!.n, 2n);
    const truck = await both[0]!.store.node('senml:truck', Date.now());
    const [stream] = truck!.streams;
    assert.deepEqual(stream!.latest!.values, [28, null]);
  });
});

test('PostgreSQL is killed three times under load: nothing that was acknowledged is lost, nothing is there twice', {
  skip: WITHOUT_POSTGRES,
}, async (t) => {
  const server = await startPostgres();
  const db = openPostgres(await server.database());
  t.after(async () => {
    await db.close();
    await server.remove();
  });
  await migrate(db, STORE_MIGRATIONS);
  const { ingest, store, spool, receipts } = await ingestOn(db);
  let next = 0;
  let isDone = false;
  const load = (async () => {
    while (!isDone) {
      const sent = Array.from({ length: 20 }, () => block(next, [next++]));
      const outcomes = await Promise.all(sent.map(({ topic, payload }) => ingest.take(topic, payload)));
      assert.ok(outcomes.every(({ kind }) => kind === 'held'));
    }
  })();
  for (let kill = 0; kill < 3; kill++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await server.kill('SIGKILL');
    await until('it spools', () => ingest.isSpooling && !spool.isEmpty);
    await server.start();
    await until('it stores again', () => !ingest.isSpooling && spool.isEmpty);
  }
  isDone = true;
  await load;
  await ingest.close();
  assert.ok(next > 100);
  assert.deepEqual([await receivedOf(store, NODE, 'climate'), new Set(receipts).size], [next, next]);
});

test('kill -9 of the whole, with a database that comes and goes: all that was acknowledged is in the store', async () => {
  const child = join(fileURLToPath(import.meta.url), '..', 'ingest-child.js');
  const folder = join(root, 'killed');
  let acknowledged = 0;
  for (let kill = 0; kill < 5; kill++) {
    const process_ = spawn(process.execPath, [child, folder, String(acknowledged)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    process_.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await once(process_.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 150 + kill * 130));
    process_.kill('SIGKILL');
    await once(process_, 'close');
    acknowledged = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
  }
  const db = openSqlite(join(folder, 'fleet.db'));
  const { ingest, spool, store } = await ingestOn(db, folder);
  await until('the spool is empty', () => spool.isEmpty);
  await ingest.close();
  const received = await receivedOf(store, NODE, 'climate');
  assert.ok(
    acknowledged > 100 && received >= acknowledged,
    `${acknowledged} acknowledged, ${received} received`,
  );
  const summary = (await store.node(NODE, Date.now()))?.streams.find(({ stream }) => stream === 'climate');
  assert.deepEqual([summary?.missing, summary?.conflicts], [0n, 0n]);
  await db.close();
});
