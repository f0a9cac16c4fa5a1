import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLANTS, type Plant } from '../planted/index.js';
import { runSeeds } from './pool.js';
import type { SeedResult } from './summary.js';

const DIST = join(import.meta.dirname, '..', '..', '..');
const REGISTER = join(import.meta.dirname, '..', 'planted', 'register.js');

export interface PlantResult {
  readonly plant: Plant;
  /** Seeds run until it was seen. */
  readonly seeds: number;
  /** How it was seen; undefined: it was not. */
  readonly caught: string | undefined;
}

/** Plants whose place in the compiled product isn't there, or is there more than once. */
export function stalePlants(): readonly Plant[] {
  return PLANTS.filter(({ file, find }) => readFileSync(join(DIST, file), 'utf8').split(find).length !== 2);
}

/** Runs the simulation with one bug planted, until a seed breaks a promise. */
export async function runPlanted(index: number, maxSeeds: number, jobs: number): Promise<PlantResult> {
  const plant = PLANTS[index]!;
  const broken = (results: readonly SeedResult[]): boolean => results.some(({ violation }) => violation);
  try {
    const results = await runSeeds({
      first: 0,
      seeds: maxSeeds,
      jobs,
      enough: broken,
      execArgv: ['--import', REGISTER],
      env: { ...process.env, CAIRN_SIM_PLANT: String(index) },
    });
    const sorted = [...results].sort((a, b) => a.seed - b.seed);
    const at = sorted.findIndex(({ violation }) => violation);
    const seen = sorted[at];
    const caught = seen?.violation && `seed ${seen.seed}: ${seen.violation.oracle}: ${seen.violation.text}`;
    return { plant, seeds: at < 0 ? sorted.length : at + 1, caught };
  } catch (error) {
    // One that hangs is ended by the pool: that is seen. One that doesn't even load is no bug of anybody's.
    const { message } = error as Error;
    return {
      plant,
      seeds: 0,
      caught: message.includes('SIGKILL') ? `it never came back: ${message}` : undefined,
    };
  }
}
