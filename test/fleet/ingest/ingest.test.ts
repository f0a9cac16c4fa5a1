import assert from 'node:assert/strict';
import { test } from 'node:test';
import { senmlTopic, statusTopic } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import { block, metaBlock, NODE, senml } from './messages.js';
import { HELD, rig } from './rig.js';

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
