import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noticeTopic, statusTopic } from '../../../wire/index.js';
import { until } from '../../support/until.js';
import { NODE } from './messages.js';
import { HELD, rig } from './rig.js';

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
