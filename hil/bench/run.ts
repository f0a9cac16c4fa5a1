import { spawn } from 'node:child_process';
import type { Options } from '../options.js';
import type { Rig } from '../rig.js';

/** What flock(1) is told to end with where the rig's lock is held: EX_TEMPFAIL of sysexits.h. */
export const LOCKED = 75;

export interface BenchRun {
  readonly rig: Rig;
  readonly suites: readonly string[];
  readonly options: Options;
  readonly project: string;
  readonly compiled: string;
}

/** What inside/main.ts is told by its environment. */
export function suiteEnvironment({ options }: BenchRun, rigFile: string): Record<string, string> {
  return {
    CAIRN_RIG: rigFile,
    CAIRN_HIL_SEED: String(options.seed),
    CAIRN_HIL_FULL: options.full ? '1' : '0',
    UV_THREADPOOL_SIZE: '8',
  };
}

export interface Child {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** File descriptors of its standard output and error. */
  readonly out: number;
  readonly log: number;
}

/** Runs a program that ends with this process at the latest; resolves to its exit code. */
export function runChild({ program, args, out, log, ...options }: Child): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', out, log] });
    const end = () => child.kill('SIGTERM');
    process.once('exit', end);
    child.once('error', reject);
    child.once('exit', (code) => {
      process.off('exit', end);
      resolve(code ?? 1);
    });
  });
}
