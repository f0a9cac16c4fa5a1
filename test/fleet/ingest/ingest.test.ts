import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DatabaseError } from '../../../fleet/db/index.js';
import { DeadLetters, Ingest, type IngestOptions, NotHeldError, Spool } from '../../../fleet/ingest/index.js';
import { readRecords } from '../../../fleet/ingest/record-file.js';
import type { DecodedHeader } from '../../../native/index.js';
import { noticeTopic, senmlTopic, statusTopic } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import { FakeStore } from './fake-store.js';
import { block, metaBlock, NODE, senml } from './messages.js';

const folder = mkdtempSync(join(tmpdir(), 'cairn-ingest-'));
const running: Ingest[] = [];
after(async () => {
  for (const ingest of running) await ingest.close();
  rmSync(folder, { recursive: true, force: true });
});
let count = 0;

async function rig(
  options: Partial<IngestOptions> & { maxBytes?: number; deadBytes?: number; folder?: string } = {},
) {
  const store = new FakeStore();
  const at = options.folder ?? join(folder, String(++count));
  const receipts: string[] = [];
  const refusals: string[] = [];
  const states: string[] = [];
  const spool = await Spool.open({ folder: join(at, 'spool'), maxBytes: options.maxBytes ?? 1 << 20 });
  const alarmSpool = await Spool.open({ folder: join(at, 'alarm-spool'), maxBytes: 1 << 20 });
  const deadLetters = await DeadLetters.open(join(at, 'dead-letters'), options.deadBytes ?? 1 << 20);
  const ingest = new Ingest({
    ...{ store, spool, alarmSpool, deadLetters, nowMs: Date.now },
    receipts: { held: ({ stream, first }: DecodedHeader) => receipts.push(`${stream} ${first}`) },
    onRefusal: ({ cause }) => refusals.push(cause),
    onState: ({ kind }) => states.push(kind),
    ...options,
  });
  running.push(ingest);
  const take = ({ topic, payload }: { topic: string; payload: Uint8Array }) => ingest.take(topic, payload);
  return {
    store,
    spool,
    alarmSpool,
    ingest,
    receipts,
    refusals,
    states,
    take,
    at,
    dead: join(at, 'dead-letters'),
  };
}

const HELD = { kind: 'held' };

test('what comes together is taken together; each is held once, and receipted each time', async () => {
  const { store, ingest, receipts, take } = await rig();
  const sent = Array.from({ length: 600 }, (_, i) => block(i, [i]));
  const outcomes = await Promise.all([...sent, sent[0]!].map(take));
  assert.ok(outcomes.every(({ kind }) => kind === 'held'));
  assert.deepEqual([store.held.size, store.duplicates, receipts.length], [600, 1, 601]);
  assert.ok(store.batches.length <= 3, `${store.batches.length} batches of 601 messages`);
  await ingest.close();
});

test('a message is held only once the store has committed', async () => {
  const { store, ingest, take, receipts } = await rig();
  let open: () => void = () => undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  let isHeld = false;
  const taking = take(block(0, [1])).then(() => {
    isHeld = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.deepEqual([isHeld, receipts.length], [false, 0]);
  open();
  await taking;
  assert.equal(receipts.length, 1);
  await ingest.close();
});

test('what is malformed is refused by cause, counted in the store, and in nobody way', async () => {
  const { store, ingest, take } = await rig();
  const good = block(0, [1]);
  const outcomes = await Promise.all([
    take(good),
    take({ topic: 'cairn/1/ffffffffffffffff/telemetry/climate', payload: good.payload }),
    take({ topic: good.topic, payload: good.payload.subarray(0, 40) }),
    take({ topic: 'elsewhere', payload: good.payload }),
    take(senml('truck', [{ n: 'x', v: 1, must_: 1 }])),
    take({ topic: statusTopic(NODE), payload: Buffer.from('[]') }),
  ]);
  const causes = ['topicMismatch', 'short', 'topic', 'senmlUnknownField', 'status'];
  assert.deepEqual(
    outcomes.map((one) => (one.kind === 'held' ? 'held' : one.cause)),
    ['held', ...causes],
  );
  await ingest.close();
  assert.deepEqual(store.counts, Object.fromEntries(causes.map((cause) => [cause, 1])));
});

test('a damaged meta record is counted, and its block is taken', async () => {
  const { store, ingest, take } = await rig();
  const boot = { boot: 1, bootId: 'x', software: 'y' };
  assert.deepEqual(
    await take(
      metaBlock(0, [{ kind: 'boot', value: boot }, Uint8Array.of(1), Buffer.from('81656c61746572', 'hex')]),
    ),
    HELD,
  );
  const [taken] = store.held.values();
  assert.ok(taken?.kind === 'block' && taken.meta);
  assert.deepEqual([taken.meta.records.length, taken.meta.unread.length], [1, 1]);
  await ingest.close();
  assert.deepEqual(store.counts, { 'meta.malformed': 1 });
});

test('channels of a pack keep their places; a change of unit is refused', async () => {
  const { store, ingest, take, refusals } = await rig();
  await take(senml('truck', [{ n: 'temp', u: 'Cel', v: 20, t: 1.7e9 }]));
  await take(
    senml('truck', [
      { n: 'oil', u: 'Pa', v: 9, t: 1.7e9 },
      { n: 'temp', u: 'K', v: 273.15, t: 1.7e9 },
    ]),
  );
  await take(senml('truck', [{ n: 'temp', u: 'V', v: 3, t: 1.7e9 }]));
  await take(senml('truck', [{ n: 'light', u: 'lx', v: 3, t: 1.7e9 }]));
  await take(senml('truck', [{ n: 'light', u: 'kg', v: 3, t: 1.7e9 }]));
  const packs = [...store.held.values()].map((one) => (one.kind === 'pack' ? one : assert.fail()));
  assert.deepEqual(
    packs.map(({ channels, values }) => channels.map(({ name }, i) => `${name} ${values[i]}`).join()),
    ['temp 20', 'temp 0,oil 9', 'temp NaN,oil NaN,lightInLx 3'],
  );
  assert.deepEqual(refusals, ['unitMismatch', 'unitMismatch']);
  await ingest.close();
});

test("a node's SenML is taken where it sends no blocks, and never beside them", async () => {
  const { store, ingest, take } = await rig();
  const pack = [{ bn: `${NODE}/climate/`, bt: 1.7e9, n: 'temperature', u: 'Cel', v: 20 }];
  const sent = {
    topic: senmlTopic(NODE, 'telemetry', 'climate'),
    payload: Buffer.from(JSON.stringify(pack)),
  };
  assert.deepEqual(await take(sent), HELD);
  await take({ topic: statusTopic(NODE), payload: Buffer.from('{"payloads":["packet","senml+json"]}') });
  const outcome = await take(sent);
  assert.ok(outcome.kind === 'refusal' && outcome.cause === 'senmlBesideBlocks');
  await until('the status is in the store', () => store.statuses.has(NODE));
  const forged = await take({ ...sent, topic: senmlTopic('ffffffffffffffff', 'telemetry', 'climate') });
  assert.ok(forged.kind === 'refusal' && forged.cause === 'topicMismatch');
  await ingest.close();
});

const CAUSE = { rule: 'part.missing', about: 'motion', what: 'it doesn’t answer' };
const SAID = { causes: [CAUSE], causeCount: 1, parts: { motion: 'missing' }, partCount: 1 };
const status = (fields: object) => ({
  topic: statusTopic(NODE),
  payload: Buffer.from(JSON.stringify({ state: 'online', ...fields })),
});

test('how a node is stays when its last will follows, with the time when it came', async () => {
  let nowMs = 1_000;
  const { store, ingest, take } = await rig({ nowMs: () => nowMs });
  const said = { ...SAID, ofALaterVersion: 'x' };
  await take(status({ health: said }));
  nowMs = 2_000;
  await take(status({ state: 'offline' }));
  await until('the status is in the store', () => store.statuses.has(NODE));
  assert.deepEqual(store.statuses.get(NODE), { state: 'offline' });
  assert.deepEqual(store.healths.get(NODE), { ...SAID, atMs: 1_000 });
  await ingest.close();
});

test('a health that no node says is counted and dropped; its status is taken', async () => {
  const { store, ingest, take } = await rig();
  const changes = [
    ...[{ causes: {} }, { causeCount: -1 }, { causeCount: 1e300 }, { partCount: undefined }],
    { causes: Array.from({ length: 9 }, () => CAUSE) },
    { causes: [{ ...CAUSE, what: 'x'.repeat(257) }] },
    { causes: [{ ...CAUSE, what: 'a\u001b[2Jb' }] },
    { causes: [{ ...CAUSE, what: 'half a pair \ud800' }] },
    { causes: [{ ...CAUSE, rule: 'part missing' }] },
    { parts: { 'a b': 'ok' } },
    { parts: { a: '<script>' } },
    { parts: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`p${i}`, 'ok'])) },
    { machine: { temperatureC: 'hot' } },
    { config: { state: 'good', sha256: 'not hex' } },
    { lastEnd: 'x\u0000' },
  ];
  const hostile = ['well', 7, null, [], {}, ...changes.map((change) => ({ ...SAID, ...change }))];
  for (const health of hostile) assert.deepEqual(await take(status({ health })), HELD);
  await ingest.close();
  assert.equal(store.counts.health, hostile.length);
  assert.equal(store.healths.size, 0);
  assert.deepEqual(store.statuses.get(NODE), { state: 'online' });
});

test('a notice is told at once, and spooled where the database does not take its alert', async () => {
  const told: string[] = [];
  const { ingest, take, store, alarmSpool } = await rig({
    onNotice: async ({ stream }) => {
      await store.refused({});
      told.push(stream);
    },
  });
  const notice = {
    topic: noticeTopic(NODE, 'sos'),
    payload: Buffer.from(`[{"bn":"${NODE}/sos/","n":"state","vs":"open","t":0}]`),
  };
  assert.deepEqual(await take(notice), HELD);
  store.fails = 'down';
  assert.deepEqual(await take(notice), HELD);
  assert.deepEqual([told, alarmSpool.isEmpty], [['sos'], false]);
  store.fails = undefined;
  await until('it is told', () => told.length === 2);
  await ingest.close();
});

for (const kind of ['down', 'busy', 'full'] as const) {
  test(`while the database is ${kind}, the spool acknowledges and receipts wait; then all is in the store`, async () => {
    const { store, ingest, take, receipts, states, spool } = await rig();
    store.fails = kind;
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => take(block(i, [i]))));
    assert.ok(outcomes.every((one) => one.kind === 'held'));
    assert.deepEqual([store.held.size, receipts.length, ingest.isSpooling], [0, 0, true]);
    store.fails = undefined;
    assert.deepEqual(await take(block(20, [20])), HELD);
    await until('the spool is empty', () => spool.isEmpty);
    assert.deepEqual([store.held.size, receipts.length, store.duplicates], [21, 21, 0]);
    await until('it stores again', () => !ingest.isSpooling);
    assert.deepEqual(states, ['spooling', 'storing']);
    await ingest.close();
  });
}

test('what the spool has no room for is not acknowledged, and may come again', async () => {
  const { store, ingest, take } = await rig({ maxBytes: 200 });
  store.fails = 'down';
  assert.deepEqual(await take(block(0, [0])), HELD);
  await assert.rejects(take(block(1, [1])), NotHeldError);
  store.fails = undefined;
  await until('it stores again', () => store.held.size === 1);
  assert.deepEqual(await take(block(1, [1])), HELD);
  await ingest.close();
});

test('what was spooled is taken by the next process', async () => {
  const first = await rig();
  first.store.fails = 'down';
  await Promise.all([first.take(block(0, [0])), first.take(senml('truck', [{ n: 'x', v: 1 }]))]);
  await first.ingest.close();
  const second = await rig({ folder: first.at });
  await until('both are in the store', () => second.store.held.size === 2);
  assert.deepEqual(second.receipts, ['climate 0']);
  await until('the spool is empty', () => second.spool.isEmpty);
  await second.ingest.close();
});

test('a poisoned message is a dead letter, and its neighbours are taken', async () => {
  const { store, ingest, take, refusals, dead } = await rig();
  store.poison = '/bad/';
  const sent = Array.from({ length: 40 }, (_, i) => block(i, [i], i === 17 ? 'bad' : 'climate'));
  const outcomes = await Promise.all(sent.map(take));
  assert.deepEqual([store.held.size, refusals], [39, ['deadLetter']]);
  assert.equal(outcomes[17]?.kind, 'refusal');
  await ingest.close();
  const { messages } = readRecords(await readFile(dead));
  assert.deepEqual(
    messages.map(({ topic }) => topic),
    [sent[17]!.topic],
  );
});

test('a store that rejects everything is wrong as a whole: 32 dead letters at most, the rest is spooled', async () => {
  const { store, ingest, take, refusals, states, spool } = await rig();
  store.poison = '/';
  const outcomes = await Promise.all(Array.from({ length: 72 }, (_, i) => take(block(i, [i]))));
  assert.deepEqual([refusals.length, states, spool.isEmpty], [32, ['spooling'], false]);
  assert.equal(outcomes.filter(({ kind }) => kind === 'held').length, 40);
  store.poison = '';
  await until('the rest is in the store', () => store.held.size === 40);
  await ingest.close();
});

test('poison that was spooled is in nobody way once anything else is taken', async () => {
  const { store, ingest, take, spool } = await rig();
  store.fails = 'down';
  await Promise.all(Array.from({ length: 60 }, (_, i) => take(block(i, [i], i < 40 ? 'bad' : 'climate'))));
  store.fails = undefined;
  store.poison = '/bad/';
  for (let i = 100; !spool.isEmpty; i++) {
    await take(block(i, [i]));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(i < 200, 'the spool does not get empty');
  }
  assert.ok(
    [...Array(20).keys()].every((i) =>
      [...store.held.keys()].some((key) => key.includes(`/climate/${i + 40}/`)),
    ),
  );
  await ingest.close();
});

const alarm = (first: number) => block(first, [1], 'sos', NODE, 'alarm');
const placeOf = (store: FakeStore, stream: string) =>
  [...store.held.keys()].findIndex((key) => key.includes(`/${stream}/`));

test('an alarm goes before the backlog of all others, and has room where they have none', async () => {
  const { store, ingest, take } = await rig();
  let open: () => void = () => undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const taking = Array.from({ length: 5_000 }, (_, i) => take(block(i, [i])));
  const same = block(1, [1]);
  const rest = Promise.allSettled(Array.from({ length: 30_000 }, () => take(same)));
  await assert.rejects(take(same), NotHeldError);
  const told = take(alarm(0));
  open();
  assert.deepEqual(await told, HELD);
  assert.ok(placeOf(store, 'sos') <= 2_048, `${placeOf(store, 'sos')} blocks were before it`);
  await Promise.all([...taking, rest]);
  await ingest.close();
});

test('what waits is bounded by what it is decoded: a short block may be 2 MB', async () => {
  const { store, ingest } = await rig();
  let open: () => void = () => undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const { topic, payload } = block(0, new Array<number>(4096).fill(0));
  const taking = Array.from({ length: 3_000 }, () =>
    ingest.take(topic, payload).catch((error: Error) => error),
  );
  open();
  const outcomes = await Promise.all(taking);
  const held = outcomes.filter((one) => !(one instanceof Error)).length;
  // 8 bytes of a value and 8 of a time a row, 1 of its quality: 69,632 bytes each, of 128 MiB.
  assert.ok(held > 1_000 && held < 2_000, `${held} of ${payload.length} bytes each`);
  await ingest.close();
});

test('after an outage alarms are the first that the store is given', async () => {
  const { store, ingest, take, spool } = await rig({ maxBytes: 1 << 22 });
  store.fails = 'down';
  await Promise.all(Array.from({ length: 4_000 }, (_, i) => take(block(i, [i]))));
  assert.deepEqual(await take(alarm(0)), HELD);
  store.fails = undefined;
  await until('the alarm is in the store', () => placeOf(store, 'sos') >= 0);
  assert.ok(placeOf(store, 'sos') <= 1_024, `${placeOf(store, 'sos')} blocks were before it`);
  await until('the rest too', () => spool.isEmpty);
  assert.equal(store.held.size, 4_001);
  await ingest.close();
});

test('nodes that say their statuses without end keep nobody from being taken', async () => {
  const { store, ingest, take } = await rig();
  const other = 'ffffffffffffffff';
  const say = (node: string) => take({ topic: statusTopic(node), payload: Buffer.from('{}') });
  let isFlooding = true;
  store.heard = async (node) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (isFlooding) void say(node === NODE ? other : NODE);
  };
  await Promise.all([say(NODE), say(other)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const isHeld = await Promise.race([
    take(block(0, [0])).then(() => true),
    new Promise((resolve) => setTimeout(resolve, 2_000, false)),
  ]);
  isFlooding = false;
  assert.ok(isHeld, 'a block waits behind statuses');
  await ingest.close();
});

test('a clock that is set back does not keep the store from being tried again', async () => {
  let backMs = 0;
  const { store, ingest, take, spool } = await rig({ nowMs: () => Date.now() - backMs });
  store.fails = 'down';
  await take(block(0, [0]));
  backMs = 86_400_000;
  store.fails = undefined;
  await take(block(1, [1]));
  await until('both are in the store', () => store.held.size === 2, 5_000);
  assert.ok(spool.isEmpty);
  await ingest.close();
});

test('a spool that the store only takes in small pieces gets empty all the same', async () => {
  const { store, ingest, take, spool } = await rig();
  store.fails = 'down';
  await Promise.all(Array.from({ length: 300 }, (_, i) => take(block(i, [i]))));
  store.fails = undefined;
  store.most = 100;
  await until('the spool is empty', () => spool.isEmpty, 10_000);
  assert.equal(store.held.size, 300);
  await ingest.close();
});

test('a fault that is over at the second try makes no dead letter', async () => {
  const { store, ingest, take, refusals } = await rig();
  const { take: taking } = store;
  store.take = async () => {
    store.take = taking;
    throw new DatabaseError('wrong', 'a table was changed under a plan');
  };
  assert.deepEqual(await take(block(0, [0])), HELD);
  assert.deepEqual([refusals, store.held.size], [[], 1]);
  await ingest.close();
});
