import { generate } from './generate.js';
import { runScenario } from './run.js';
import { summaryOf } from './summary.js';

/** A process of the pool: gets seeds, gives back what each came to. */
process.on('message', async (seeds: readonly number[]) => {
  for (const seed of seeds) {
    const scenario = generate(seed);
    process.send?.(summaryOf(scenario, await runScenario(scenario)));
  }
});
