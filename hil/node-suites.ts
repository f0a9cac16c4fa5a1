import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { Arch } from './machine/arch.js';
import { runSuite } from './run-suite.js';
import { say, seconds } from './shell.js';

export interface NodeSuites {
  readonly suites: readonly string[];
  readonly compiled: string;
  readonly arch: Arch;
  readonly work: string;
  readonly cache: string;
  readonly full: boolean;
  readonly seed: number;
  readonly tapFile: string;
}

/** On a machine with nothing else to do. */
const TIMEOUT_MS = 600_000;
const FULL_TIMEOUT_MS = 6 * 3_600_000;

/** Runs the suites of test/hil/node on this machine, one after the other: each boots the node image itself. Their TAP is appended. */
export async function runNodeSuites(run: NodeSuites): Promise<void> {
  const out = openSync(run.tapFile, 'a');
  try {
    for (const suite of run.suites) {
      const startMs = performance.now();
      say(`${suite} …`);
      const code = await runSuite({
        suite,
        file: join(run.compiled, `test/hil/node/${suite}.js`),
        env: environment(run, suite),
        timeoutMs: (run.full ? FULL_TIMEOUT_MS : TIMEOUT_MS) * slowness(),
        out,
        write: (text) => void writeSync(out, text),
      });
      say(`${suite} ended with ${code} after ${seconds(performance.now() - startMs)}`);
    }
  } finally {
    closeSync(out);
  }
}

/** How many want each processor, at least 1. */
function slowness(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism());
}

function environment({ arch, work, cache, full, seed }: NodeSuites, suite: string): NodeJS.ProcessEnv {
  const folder = join(work, suite);
  mkdirSync(folder, { recursive: true });
  const { CAIRN_HIL_FULL: _, ...env } = process.env;
  return {
    ...env,
    CAIRN_HIL_WORK: folder,
    CAIRN_HIL_CACHE: cache,
    CAIRN_HIL_ARCH: arch,
    CAIRN_HIL_SEED: String(seed),
    ...(full ? { CAIRN_HIL_FULL: '1' } : {}),
  };
}
