import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { add, checkStates, type Tally, textOf } from './check-states.js';
import { fastFolder, record, usualRuns } from './recording.js';

/** Of one recording; more of them show more, and cost a second each. */
const STATES_A_RECORDING = 4000;
const STEPS = 300;
const FOLDER = join('.cache', 'crash');

const USAGE = 'npm run crash -- [--states 10000] [--seed 1] [--again LOG --seed S --states COUNT --state K]';

/** Power cuts: crash states of recordings, as many at once as there are processors. A recording whose states fail is kept. */
async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      states: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      again: { type: 'string' },
      state: { type: 'string' },
    },
  });
  const [states, seed] = [Number(values.states), Number(values.seed)];
  if (!(Number.isInteger(states) && states > 0 && Number.isInteger(seed))) throw new Error(USAGE);
  if (values.again !== undefined)
    return again(values.again, { seed, count: states, only: Number(values.state) });
  const began = performance.now();
  const tally = await sweep(states, seed);
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(
    `${tally.states} crash states, seed ${seed}: ${tally.violations.length} violations; ` +
      `${tally.replaced} made anew in their making; at most ${tally.mostUnpromised} rows that nobody had promised were lost; ` +
      `${Math.round(seconds)} s, ${Math.round(tally.states / seconds)}/s\n`,
  );
  return tally.violations.length === 0 && tally.states > 0;
}

async function again(log: string, which: { seed: number; count: number; only: number }): Promise<boolean> {
  const { violations } = await checkStates({ log, ...which });
  process.stdout.write(violations.length > 0 ? `${textOf(violations)}\n` : 'nothing is wrong with it\n');
  return violations.length === 0;
}

async function sweep(states: number, firstSeed: number): Promise<Tally> {
  const sum: Tally = { states: 0, replaced: 0, mostUnpromised: 0, violations: [] };
  const parts = Array.from({ length: Math.ceil(states / STATES_A_RECORDING) }, (_, part) => ({
    seed: firstSeed + 1000 * part,
    count: Math.min(STATES_A_RECORDING, states - part * STATES_A_RECORDING),
  }));
  const work = async (): Promise<void> => {
    for (let part = parts.shift(); part; part = parts.shift()) {
      const parent = fastFolder();
      const { log } = await record(parent, usualRuns(part.seed, STEPS));
      const tally = await checkStates({ log, ...part });
      add(sum, tally);
      report(log, part.seed, tally);
      rmSync(parent, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return sum;
}

function report(log: string, seed: number, { states, violations }: Tally): void {
  process.stdout.write(`seed ${seed}: ${states} states, ${violations.length} violations\n`);
  const [first] = violations;
  if (!first) return;
  const kept = join(FOLDER, `operations-${seed}`);
  mkdirSync(FOLDER, { recursive: true });
  copyFileSync(log, kept);
  process.stdout.write(`${textOf(violations)}\n`);
  const which = `--seed ${first.seed} --states ${first.count} --state ${first.state}`;
  process.stdout.write(`again: npm run crash -- --again ${kept} ${which}\n`);
}

main().then(
  (ok) => {
    process.exitCode = ok ? 0 : 1;
  },
  (error: unknown) => {
    process.stderr.write(`crash: ${(error as Error).message}\n`);
    process.exitCode = 2;
  },
);
