import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../runtime/package.js';
import { scenarioOf } from './from-dump.js';
import { PLANTS, type Plant } from './planted/index.js';
import { generate } from './run/generate.js';
import { runPlanted, stalePlants } from './run/planted.js';
import { runSeeds } from './run/pool.js';
import { Recording } from './run/recording.js';
import { missing } from './run/required.js';
import { runScenario } from './run/run.js';
import { shrink } from './run/shrink.js';
import { figures, hashOfAll, marksOf, type SeedResult } from './run/summary.js';
import type { Scenario } from './scenario.js';

const HELP = `npm run sim -- [options]: the whole node, simulated (docs/simulation.md)

  --seeds N          so many seeds (default 100)
  --first S          from this one on (default 0)
  --jobs J           processes (default: one a core)
  --verify           all twice, and the hashes compared
  --marks N          asks for the marks of a run of N seeds (default: of as many as it runs)
  --seed S           one seed, with what it came to
  --scenario FILE    one scenario
  --dump FILE        what a node in the field went through (cairn dump --json), again
  --record FILE      with --seed or --scenario: the node's flight record, as it would be dumped at the end
  --trace            with --seed or --scenario: every event
  --scenario-of S    prints a seed's scenario
  --planted          plants bugs, one at a time: each must be seen within --seeds (default 1000)
  --only WORDS       with --planted: those whose title has these words
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    first: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    verify: { type: 'boolean', default: false },
    marks: { type: 'string' },
    seed: { type: 'string' },
    scenario: { type: 'string' },
    dump: { type: 'string' },
    record: { type: 'string' },
    'scenario-of': { type: 'string' },
    trace: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

async function one(scenario: Scenario): Promise<number> {
  const recording = values.record === undefined ? undefined : new Recording();
  const result = await runScenario(scenario, {
    keep: 40,
    ...(values.trace ? { print: say } : {}),
    ...(recording ? { recording } : {}),
  });
  if (recording) writeFileSync(values.record!, recording.text);
  const { hash, violation, hours, readings, crashes, events } = result;
  say(`${hash}: ${hours.toFixed(1)} h, ${readings} readings, ${crashes} ends, ${events} events`);
  if (!violation) return 0;
  if (!values.trace) for (const line of result.last) say(`  ${line}`);
  say(`${violation.oracle}: ${violation.text}`);
  return 1;
}

async function many(): Promise<number> {
  const [first, seeds, jobs] = [values.first, values.seeds ?? '100', values.jobs].map(Number) as [
    number,
    number,
    number,
  ];
  const began = process.hrtime.bigint();
  const failed = (results: readonly SeedResult[]): boolean => results.some(({ violation }) => violation);
  const results = await runSeeds({ first, seeds, jobs, enough: failed });
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  for (const line of figures(results)) say(line);
  for (const [name, count] of [...marksOf(results)].sort()) say(`mark ${name}: ${count} seeds`);
  say(`${results.length} seeds in ${seconds.toFixed(0)} s, ${(results.length / seconds).toFixed(2)} seeds/s`);
  say(`hash of all: ${hashOfAll(results)}`);
  const bad = results.filter(({ violation }) => violation).sort((a, b) => a.seed - b.seed)[0];
  if (bad) return report(bad);
  const lacking = missing(results, Number(values.marks ?? seeds));
  for (const what of lacking) say(what);
  const differing = values.verify ? await verify(results, { first, seeds, jobs }) : 0;
  return lacking.length > 0 ? 1 : differing;
}

async function verify(
  results: readonly SeedResult[],
  options: { readonly first: number; readonly seeds: number; readonly jobs: number },
): Promise<number> {
  const again = new Map((await runSeeds(options)).map(({ seed, hash }) => [seed, hash]));
  const different = results.filter(({ seed, hash }) => again.get(seed) !== hash);
  for (const { seed } of different) say(`seed ${seed}: another hash on the second run`);
  say(`a second run: ${different.length === 0 ? 'the same hashes' : `${different.length} differ`}`);
  return different.length === 0 ? 0 : 1;
}

/** Makes the failing seed small, and says how to see it again. */
async function report({ seed, violation }: SeedResult): Promise<number> {
  const { oracle, text } = violation!;
  say(`seed ${seed} breaks '${oracle}': ${text}`);
  const folder = join(packageRoot(), '.cache', 'sim');
  mkdirSync(folder, { recursive: true });
  const { scenario, runs } = await shrink(generate(seed), oracle);
  const file = join(folder, `seed-${seed}.json`);
  writeFileSync(file, `${JSON.stringify(scenario, undefined, 2)}\n`);
  say(
    `${scenario.faults.length} faults, ${scenario.streams.length} streams, ${scenario.hours} h are left of it after ${runs} runs: ${file}`,
  );
  say(`see it again: npm run sim -- --seed ${seed}    or: npm run sim -- --scenario ${file} --trace`);
  return 1;
}

async function planted(): Promise<number> {
  const stale = stalePlants();
  for (const { title, file, find } of stale) say(`stale: ${title}: ${file} has not exactly one ${find}`);
  const chosen = PLANTS.filter((plant) => plant.title.includes(values.only ?? ''));
  let missed = 0;
  for (const plant of chosen) {
    const isStale = stale.includes(plant);
    if (isStale || !(await isSeen(plant))) missed += 1;
  }
  say(`${chosen.length - missed} of ${chosen.length} planted bugs were caught`);
  return missed === 0 && chosen.length > 0 ? 0 : 1;
}

async function isSeen(plant: Plant): Promise<boolean> {
  const index = PLANTS.indexOf(plant);
  const { seeds, caught } = await runPlanted(index, Number(values.seeds ?? 1000), Number(values.jobs));
  const how = caught ? `caught by seed ${seeds}: ${plant.title} (${caught.slice(0, 160)})` : undefined;
  say(how ?? `MISSED in ${seeds}: ${plant.title}`);
  return caught !== undefined;
}

async function main(): Promise<number> {
  const shown = values['scenario-of'];
  if (values.help || shown !== undefined) {
    say(values.help ? HELP : JSON.stringify(generate(Number(shown)), undefined, 2));
    return 0;
  }
  if (values.planted) return planted();
  if (values.dump !== undefined) return one(scenarioOf(readFileSync(values.dump, 'utf8')));
  if (values.scenario !== undefined)
    return one(JSON.parse(readFileSync(values.scenario, 'utf8')) as Scenario);
  return values.seed === undefined ? many() : one(generate(Number(values.seed)));
}

process.exitCode = await main();
