import type { Scenario } from '../scenario.js';
import { durationS } from './faults.js';
import { runScenario } from './run.js';

export interface Shrunk {
  readonly scenario: Scenario;
  readonly runs: number;
}

/** The smallest scenario found that breaks the same promise: fewer faults, fewer streams, a shorter time. */
export async function shrink(scenario: Scenario, oracle: string, maxRuns = 150): Promise<Shrunk> {
  let best = scenario;
  let runs = 0;
  const still = async (candidate: Scenario): Promise<boolean> => {
    if (runs >= maxRuns) return false;
    runs += 1;
    const { violation } = await runScenario(candidate);
    if (violation?.oracle !== oracle) return false;
    best = candidate;
    return true;
  };
  const { readings: _, ...short } = scenario;
  await still(short);
  for (let before: Scenario | undefined; before !== best && runs < maxRuns; ) {
    before = best;
    await dropFaults(() => best, still);
    await dropStreams(() => best, still);
    await shorten(() => best, still);
  }
  return { scenario: best, runs };
}

type Still = (candidate: Scenario) => Promise<boolean>;

/** Halves, quarters … of the faults, down to single ones. */
async function dropFaults(best: () => Scenario, still: Still): Promise<void> {
  for (let size = Math.max(1, best().faults.length >> 1); size >= 1; size = size === 1 ? 0 : size >> 1) {
    for (let from = 0; from < best().faults.length; ) {
      const faults = best().faults.filter((_, i) => i < from || i >= from + size);
      if (!(await still({ ...best(), faults }))) from += size;
    }
  }
}

async function dropStreams(best: () => Scenario, still: Still): Promise<void> {
  for (let at = best().streams.length - 1; at >= 0 && best().streams.length > 1; at -= 1) {
    await still({ ...best(), streams: best().streams.filter((_, i) => i !== at) });
  }
}

async function shorten(best: () => Scenario, still: Still): Promise<void> {
  const last = best().faults.reduce((most, fault) => Math.max(most, fault.atS + durationS(fault)), 60);
  const hours = Math.ceil(last / 360) / 10;
  if (hours < best().hours) await still({ ...best(), hours });
}
