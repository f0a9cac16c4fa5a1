import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Locked, lock } from './lock.js';
import { type Options, readOptions, UsageError } from './options.js';
import { keepFailure, writeReport } from './report/files.js';
import { readSuites, readTimes, readWiring } from './report/tap.js';
import { type Rig, RigError, readRig } from './rig.js';
import { runRig } from './run.js';
import { say } from './shell.js';

/** Where this was compiled to, and the project around it. */
const compiled = dirname(import.meta.dirname);
const project = rootOf(compiled);

function rootOf(folder: string): string {
  return existsSync(join(folder, 'package-lock.json')) ? folder : rootOf(dirname(folder));
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env, project);
  const rig = readRig(options.rigFile);
  const suites = chosen(rig, options);
  mkdirSync(options.work, { recursive: true });
  const unlock = await lock(join(options.work, 'lock'));
  try {
    const tap = await runRig({ rig, suites, options, project, compiled });
    if (tap !== undefined) finish(rig, options, suites, tap);
  } finally {
    unlock();
  }
}

/** The suites to run, in the manifest's order. */
function chosen(rig: Rig, { only }: Options): readonly string[] {
  const all = [...rig.suites, ...rig.nodeSuites];
  const unknown = only.find((name) => !all.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`--only ${unknown}: no such suite; ${rig.name} has ${all.join(', ')}`);
  return all.filter((name) => only.length === 0 || only.includes(name));
}

/** Green is: wired as the manifest says, no suite failed, and something ran. */
function finish(rig: Rig, { seed, full, work }: Options, wanted: readonly string[], tap: string): void {
  const [suites, wiring, times] = [readSuites(tap, wanted), readWiring(tap), readTimes(tap)];
  process.stdout.write(`${writeReport(work, { rig: rig.name, seed, full, wiring, times, suites }, tap)}\n`);
  const failed = wiring.length > 0 || suites.some(({ outcome }) => outcome === 'failed');
  if (!failed && suites.some(({ outcome }) => outcome === 'passed')) return;
  if (!failed) say('nothing ran: everything is skipped by the manifest');
  say(`seed ${seed}; all of this run is kept in ${keepFailure(work, rig.name, seed)}`);
  process.exitCode = 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
try {
  await main();
} catch (error) {
  const known = error instanceof UsageError || error instanceof RigError || error instanceof Locked;
  say(known ? error.message : String((error as Error).stack));
  process.exitCode = known ? 2 : 1;
}
