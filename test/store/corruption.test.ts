import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomOf } from './corruption-damage.js';
import { Maker } from './corruption-template.js';
import { trial } from './corruption-trial.js';
import { temporary } from './support.js';

/** Many more are `npm run rot`. */
const CORRUPTIONS = 100;

test(`FAULTS 9, 10: ${CORRUPTIONS} corruptions of a store's files: each row comes as it was written, or a gap names it`, async (t) => {
  const seed = Number(process.env.CAIRN_SEED ?? Date.now() % 1e6);
  t.diagnostic(`CAIRN_SEED=${seed}`);
  const path = temporary(t, undefined, '/dev/shm');
  const templates = await new Maker(join(path, 'content'), randomOf(seed)).make();
  const faults: string[] = [];
  let [served, epochs] = [0, 0];
  for (let n = 0; n < CORRUPTIONS; n += 1) {
    const result = await trial(templates[n % templates.length]!, seed + n, join(path, 'trial'));
    served += result.servedRows;
    if (result.isNewEpoch) epochs += 1;
    faults.push(...result.faults.map((fault) => `seed ${result.seed} (${result.harm}): ${fault}`));
  }
  t.diagnostic(
    `${faults.length} silent of ${CORRUPTIONS}; ${Math.round(served / CORRUPTIONS)} rows served each, ${epochs} new epochs`,
  );
  assert.deepEqual(faults, []);
});
