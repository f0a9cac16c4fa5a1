import { generate } from './generate.js';
import { runScenario } from './run.js';
import { type SeedResult, summaryOf } from './summary.js';

/** A process of the pool: gets seeds, gives back what they came to. */
process.on('message', async (seeds: readonly number[]) => {
  const done: SeedResult[] = [];
  for (const seed of seeds) {
    const scenario = generate(seed);
    done.push(summaryOf(scenario, await runScenario(scenario)));
  }
  process.send?.(done);
});
