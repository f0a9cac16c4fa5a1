import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { SeedResult } from './summary.js';

const CHUNK_SEEDS = 5;
/** Each core has a process of its own already: helpers of the collector would only get in the way; with more room it has less to do. */
const COLLECTOR = ['--single-threaded-gc', '--max-semi-space-size=64'];
/** A seed that doesn't come back within this has lost itself in one turn of the loop. */
const HANG_MS = 120_000;

export interface PoolOptions {
  readonly first: number;
  readonly seeds: number;
  readonly jobs: number;
  /** Ends early, with what is there, once this says so. */
  readonly enough?: (results: readonly SeedResult[]) => boolean;
  /** For each process: --import of a loader, and the like. */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs seeds in processes of their own, a few at a time each. Rejects when a process ends on its own. */
export async function runSeeds(options: PoolOptions): Promise<readonly SeedResult[]> {
  const results: SeedResult[] = [];
  let next = options.first;
  const end = options.first + options.seeds;
  const take = (): readonly number[] => {
    if (options.enough?.(results)) return [];
    const chunk = Array.from({ length: Math.min(CHUNK_SEEDS, end - next) }, (_, i) => next + i);
    next += chunk.length;
    return chunk;
  };
  await Promise.all(Array.from({ length: options.jobs }, () => work(options, take, results)));
  return results;
}

function work(options: PoolOptions, take: () => readonly number[], results: SeedResult[]): Promise<void> {
  const child = fork(join(import.meta.dirname, 'worker.js'), {
    serialization: 'advanced',
    execArgv: ['--enable-source-maps', ...COLLECTOR, ...(options.execArgv ?? [])],
    ...(options.env ? { env: options.env } : {}),
  });
  return new Promise((resolve, reject) => {
    let seeds = take();
    let hang: NodeJS.Timeout | undefined;
    const watch = (): void => {
      clearTimeout(hang);
      if (seeds.length > 0) hang = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
    };
    const ask = (): void => {
      watch();
      if (seeds.length > 0) child.send(seeds);
      else end(child);
    };
    child.on('message', (done: SeedResult) => {
      results.push(done);
      seeds = seeds.filter((seed) => seed !== done.seed);
      if (seeds.length > 0) return watch();
      seeds = take();
      ask();
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(hang);
      if (seeds.length === 0) resolve();
      else reject(new Error(`a process ended (${signal ?? code}) on one of the seeds ${seeds.join(', ')}`));
    });
    ask();
  });
}

function end(child: ChildProcess): void {
  child.disconnect();
}
