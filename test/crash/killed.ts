import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../../hil/random.js';
import type { Violation } from './check-states.js';
import { judgeStore } from './judge.js';
import { readOperations } from './operation-log.js';
import { STORE } from './options.js';
import { Promised } from './promise.js';
import { fastFolder, type Recording, type Run, record, runWorkload } from './recording.js';
import { SAID, statementsOf } from './said.js';

/** Stores are killed on from where they were killed so often, then a fresh one is taken. */
const ROUNDS = 5;

export interface Kills {
  /** How often a process was killed; others had ended before. */
  kills: number;
  readonly violations: Violation[];
}

/** How many calls the processes of a recording make: what can be swept. */
export async function callsOf(run: Run): Promise<number> {
  const parent = fastFolder();
  try {
    return readOperations((await record(parent, [run])).log).filter(({ path }) => path.includes('/')).length;
  } finally {
    rmSync(parent, { recursive: true });
  }
}

/** Kills a process on a fresh store before each of these calls, and judges what it left. */
export async function killAtCalls(run: Run, calls: readonly number[], sum: Kills): Promise<void> {
  for (const call of calls) {
    const parent = fastFolder();
    const recording = { folder: join(parent, 'watched'), log: join(parent, 'operations') };
    await killAndJudge(
      recording,
      { ...run, faults: { kill: { at: 'before', call } } },
      `before call ${call}`,
      sum,
    );
    rmSync(parent, { recursive: true });
  }
}

/** Kills processes at moments by chance, up to `withinMs` after their start; each store some times in a row. */
export async function killAtRandom(run: Run, kills: number, withinMs: number, sum: Kills): Promise<void> {
  const random = seeded(run.seed);
  for (let left = kills; left > 0; left -= ROUNDS) {
    const parent = fastFolder();
    const recording = { folder: join(parent, 'watched'), log: join(parent, 'operations') };
    for (let round = 0; round < Math.min(ROUNDS, left); round += 1) {
      const killAfterMs = withinMs * random();
      const where = `${killAfterMs.toFixed(1)} ms after start ${round + 1}`;
      await killAndJudge(recording, { ...run, seed: run.seed + left + round, killAfterMs }, where, sum);
    }
    rmSync(parent, { recursive: true });
  }
}

async function killAndJudge({ folder, log }: Recording, run: Run, where: string, sum: Kills): Promise<void> {
  const { code, signal, stderr } = await runWorkload(folder, log, run);
  const at = { seed: run.seed, count: 1, state: 1, where };
  if (signal === 'SIGKILL') sum.kills += 1;
  else if (code !== 0)
    sum.violations.push({ ...at, problems: [`it ended with ${signal ?? code}: ${stderr}`] });
  const problems = await problemsOf(folder);
  if (problems.length > 0) sum.violations.push({ ...at, problems });
}

/** What a copy of a store lacks of all that was said of it. */
export async function problemsOf(folder: string): Promise<readonly string[]> {
  const copy = `${folder}-judged`;
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy);
  cpSync(join(folder, STORE), join(copy, STORE), { recursive: true });
  const promised = new Promised();
  const said = join(folder, SAID);
  if (existsSync(said))
    for (const statement of statementsOf(readFileSync(said, 'utf8'))) promised.take(statement);
  return (await judgeStore(join(copy, STORE), promised)).problems;
}
