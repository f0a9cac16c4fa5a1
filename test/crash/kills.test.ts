import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textOf } from './check-states.js';
import { callsOf, type Kills, killAtCalls, killAtRandom } from './killed.js';
import { cannotWatch } from './shim.js';

const SEED = Number(process.env.CAIRN_CRASH_SEED ?? Date.now() % 1_000_000);
/** The whole sweep is `npm run crash -- --kills`. */
const CALLS = 16;
const RANDOM = 15;
const RUN = { seed: SEED, steps: 30, ending: 'clean' } as const;

test('FAULTS 1: killed before a call, a sweep over the making of the store and its first commits', {
  skip: cannotWatch,
  timeout: 240_000,
}, async (t) => {
  const all = await callsOf(RUN);
  const calls = Array.from({ length: CALLS }, (_, at) => 1 + Math.floor((at * all) / CALLS));
  const sum: Kills = { kills: 0, violations: [] };
  await killAtCalls(RUN, calls, sum);
  const { kills, violations } = sum;
  t.diagnostic(`seed ${SEED}: ${kills} kills before calls 1 to ${all}, ${violations.length} violations`);
  assert.equal(violations.length, 0, textOf(violations));
  assert.ok(kills > 0.8 * CALLS, `${kills} kills`);
});

test('FAULTS 1: killed at any moment, again and again on one store', {
  skip: cannotWatch,
  timeout: 240_000,
}, async (t) => {
  const sum: Kills = { kills: 0, violations: [] };
  await killAtRandom({ ...RUN, steps: 10_000 }, RANDOM, 500, sum);
  const { kills, violations } = sum;
  t.diagnostic(`seed ${SEED}: ${kills} kills, ${violations.length} violations`);
  assert.equal(violations.length, 0, textOf(violations));
  assert.equal(kills, RANDOM);
});
