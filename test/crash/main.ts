import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { add, checkStates, type Tally, textOf } from './check-states.js';
import { callsOf, type Kills, killAtCalls, killAtRandom } from './killed.js';
import { fastFolder, record, usualRuns } from './recording.js';

/** Of one recording; more of them show more, and cost a second each. */
const STATES_A_RECORDING = 4000;
const STEPS = 300;
const FOLDER = join('.cache', 'crash');

const USAGE =
  'npm run crash -- [--states 10000] [--kills 0] [--seed 1] [--again LOG --seed S --states COUNT --state K]';
/** Of one store of the sweep: with its tables, compactions, evictions and openings. */
const SWEPT = { steps: STEPS, ending: 'clean' } as const;
/** What a process of the random kills lives at most. */
const LIFE_MS = 1000;
const KILLS_A_TASK = 25;

/**
 * Power cuts: crash states of recordings, as many at once as there are processors; a recording whose states fail is kept. `--kills N`:
 * SIGKILL before each call that a process makes, and N times at moments by chance.
 */
async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      states: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      again: { type: 'string' },
      state: { type: 'string' },
    },
  });
  const [states, kills, seed] = [Number(values.states), Number(values.kills), Number(values.seed)];
  if (![states, kills, seed].every((number) => Number.isInteger(number) && number >= 0))
    throw new Error(USAGE);
  if (values.again !== undefined)
    return again(values.again, { seed, count: states, only: Number(values.state) });
  const cutsFail = states > 0 && !(await cutAll(states, seed));
  const killsFail = kills > 0 && !(await killAll(kills, seed));
  return !cutsFail && !killsFail;
}

/** As many of them at once as there are processors. */
async function allOf(tasks: (() => Promise<void>)[]): Promise<void> {
  const work = async (): Promise<void> => {
    for (let task = tasks.shift(); task; task = tasks.shift()) await task();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

async function cutAll(states: number, seed: number): Promise<boolean> {
  const began = performance.now();
  const tally = await sweep(states, seed);
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(
    `${tally.states} crash states, seed ${seed}: ${tally.violations.length} violations; ` +
      `${tally.replaced} made anew in their making; at most ${tally.mostUnpromised} rows that nobody had promised were lost; ` +
      `${Math.round(seconds)} s, ${Math.round(tally.states / seconds)}/s\n`,
  );
  return tally.violations.length === 0 && tally.states >= states;
}

async function killAll(kills: number, seed: number): Promise<boolean> {
  const swept: Kills = { kills: 0, violations: [] };
  const random: Kills = { kills: 0, violations: [] };
  const calls = await callsOf({ ...SWEPT, seed });
  const tasks: (() => Promise<void>)[] = [];
  for (let from = 1; from <= calls; from += KILLS_A_TASK) {
    const some = Array.from({ length: Math.min(KILLS_A_TASK, calls + 1 - from) }, (_, at) => from + at);
    tasks.push(() => killAtCalls({ ...SWEPT, seed }, some, swept));
  }
  for (let left = kills; left > 0; left -= KILLS_A_TASK) {
    const run = { seed: seed + left, steps: 1_000_000, ending: 'clean' } as const;
    tasks.push(() => killAtRandom(run, Math.min(KILLS_A_TASK, left), LIFE_MS, random));
  }
  await allOf(tasks);
  const violations = [...swept.violations, ...random.violations];
  process.stdout.write(
    `killed before ${swept.kills} of ${calls} calls, and ${random.kills} times at random, seed ${seed}: ${violations.length} violations\n`,
  );
  if (violations.length > 0) process.stdout.write(`${textOf(violations)}\n`);
  return violations.length === 0 && swept.kills > 0.9 * calls && random.kills > 0.9 * kills;
}

async function again(log: string, which: { seed: number; count: number; only: number }): Promise<boolean> {
  const { violations } = await checkStates({ log, ...which });
  process.stdout.write(violations.length > 0 ? `${textOf(violations)}\n` : 'nothing is wrong with it\n');
  return violations.length === 0;
}

/** Recordings one after another, until there were so many states: a moment with little unsynced has fewer than it is asked for. */
async function sweep(states: number, firstSeed: number): Promise<Tally> {
  const sum: Tally = { states: 0, replaced: 0, mostUnpromised: 0, violations: [] };
  const cut = async (seed: number, count: number): Promise<void> => {
    const parent = fastFolder();
    const { log } = await record(parent, usualRuns(seed, STEPS));
    const tally = await checkStates({ log, seed, count });
    add(sum, tally);
    report(log, seed, tally);
    rmSync(parent, { recursive: true });
  };
  for (let seed = firstSeed; sum.states < states && sum.violations.length === 0; ) {
    const tasks: (() => Promise<void>)[] = [];
    for (let left = states - sum.states; left > 0; left -= STATES_A_RECORDING, seed += 1000) {
      const [its, count] = [seed, Math.min(STATES_A_RECORDING, left)];
      tasks.push(() => cut(its, count));
    }
    await allOf(tasks);
  }
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
