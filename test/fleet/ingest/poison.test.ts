import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { DatabaseError } from '../../../fleet/db/index.js';
import { readRecords } from '../../../fleet/ingest/record-file.js';
import { until } from '../../support/until.js';
import { block } from './messages.js';
import { HELD, rig } from './rig.js';

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
