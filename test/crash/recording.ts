import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seeded } from '../../hil/random.js';
import { STORE } from './options.js';
import { type ShimFaults, watched } from './shim.js';

const WORKLOAD = fileURLToPath(new URL('./workload.js', import.meta.url));

/** Memory where there is some: syncs cost nothing, and nothing wears. */
export function fastFolder(): string {
  const parent = process.env.CAIRN_CRASH_TMP ?? (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
  return realpathSync(mkdtempSync(join(parent, 'cairn-crash-')));
}

export interface Run {
  readonly seed: number;
  readonly steps: number;
  readonly ending: 'clean' | 'cut';
  readonly faults?: ShimFaults;
  /** SIGKILL so long after its start. */
  readonly killAfterMs?: number;
}

/** So many calls the making of a store takes, and some commits. */
const CALLS_OF_MAKING = 70;
/** A process that has not ended by then hangs, and is killed. */
const LONGEST_MS = 60_000;

/** A program and its arguments in whose hands the process runs. */
type Under = readonly string[];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** Runs the workload on `folder`, which is made where it isn't there; its operations are appended to `log`. */
export async function runWorkload(folder: string, log: string, run: Run, under: Under = []): Promise<Ended> {
  mkdirSync(join(folder, STORE), { recursive: true });
  const own = [process.execPath, WORKLOAD, folder, String(run.seed), String(run.steps), run.ending];
  const [program = '', ...args] = [...under, ...own];
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...watched(folder, log, run.faults) },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), run.killAfterMs ?? LONGEST_MS);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { code, signal, stderr };
}

export interface Recording {
  /** What the processes wrote to, as it was at the end. */
  readonly folder: string;
  readonly log: string;
}

/** Runs processes one after another on one store below `parent`. */
export async function record(parent: string, runs: readonly Run[]): Promise<Recording> {
  const recording = { folder: join(parent, 'watched'), log: join(parent, 'operations') };
  for (const run of runs) {
    const { code, signal, stderr } = await runWorkload(recording.folder, recording.log, run);
    const isMeant = run.faults?.kill !== undefined && signal === 'SIGKILL';
    if (code !== 0 && !isMeant)
      throw new Error(`the workload of seed ${run.seed} ended with ${signal ?? code}: ${stderr}`);
  }
  return recording;
}

/** A store whose making is killed, that is used, left without a word, opened by another process, used and closed. */
export function usualRuns(seed: number, steps: number): readonly Run[] {
  const call = 1 + Math.floor(seeded(seed)() * CALLS_OF_MAKING);
  return [
    { seed: seed + 2, steps: 10, ending: 'cut', faults: { kill: { at: 'before', call } } },
    { seed, steps, ending: 'cut' },
    { seed: seed + 1, steps: Math.ceil(steps / 3), ending: 'clean' },
  ];
}
