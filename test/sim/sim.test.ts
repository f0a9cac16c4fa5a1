import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../runtime/package.js';
import { generate } from './run/generate.js';
import { runSeeds } from './run/pool.js';
import { runScenario } from './run/run.js';
import { hashOfAll } from './run/summary.js';
import type { Scenario } from './scenario.js';

const SEEDS = 40;
const KEPT = join(packageRoot(), 'test', 'sim', 'kept');

for (const name of readdirSync(KEPT)) {
  test(`kept: ${name}`, async () => {
    const scenario = JSON.parse(readFileSync(join(KEPT, name), 'utf8')) as Scenario;
    assert.equal((await runScenario(scenario)).violation, undefined);
  });
}

test('seeds keep every promise, and give the same trace in another process', async (t) => {
  const results = await runSeeds({ first: 0, seeds: SEEDS, jobs: 1 });
  assert.deepEqual(
    results.flatMap(({ seed, violation }) => (violation ? [{ seed, ...violation }] : [])),
    [],
  );
  t.diagnostic(`hash of ${SEEDS} seeds: ${hashOfAll(results)}`);
  const here = await runScenario(generate(0));
  assert.equal(here.hash, results.find(({ seed }) => seed === 0)?.hash);
});

test('nobody in a simulation may ask for the real time or for real chance', async () => {
  const { guarded } = await import('./kernel/guard.js');
  await guarded(async () => {
    assert.throws(() => setTimeout(() => undefined, 1), /not the simulation's/);
    assert.throws(() => Math.random(), /not the simulation's/);
    assert.throws(() => Date.now(), TypeError);
  });
  assert.ok(Date.now() > 0);
});
