import { fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CheckJob, CutFinding } from './checker.js';
import type { Cut } from './crash-point.js';

const CHECKER = fileURLToPath(new URL('./checker.js', import.meta.url));
const MAX_WORKERS = 4;
/** For one cut of a worker's share. */
const CUT_TIMEOUT_MS = 30_000;

export interface PoolJob {
  /** The recording's folder. */
  readonly recording: string;
  /** For disks that live as long as a check; memory where there is some. */
  readonly scratch: string;
  readonly seed: number;
  /** In the order of the log. */
  readonly cuts: readonly Cut[];
}

/** Looks at each cut, in as many processes as there are processors. Findings come in any order. */
export async function checkAll(job: PoolJob): Promise<readonly CutFinding[]> {
  const workers = Math.max(1, Math.min(MAX_WORKERS, availableParallelism(), job.cuts.length));
  const scratch = scratchFolder(job.scratch);
  try {
    const shares = Array.from({ length: workers }, (_, worker) =>
      checkShare({
        ...job,
        scratch: join(scratch, String(worker)),
        cuts: job.cuts.filter((_cut, i) => i % workers === worker),
      }),
    );
    return (await Promise.all(shares)).flat();
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A disk of memory makes the store's syncing free: what is to be flushed is in the log already. */
function scratchFolder(otherwise: string): string {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : otherwise;
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'cairn-cuts-'));
}

function checkShare(job: CheckJob): Promise<readonly CutFinding[]> {
  mkdirSync(job.scratch, { recursive: true });
  const child = fork(CHECKER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const end = () => void child.kill('SIGKILL');
  process.once('exit', end);
  const found: CutFinding[] = [];
  return new Promise<readonly CutFinding[]>((resolve, reject) => {
    let timer = setTimeout(end, CUT_TIMEOUT_MS);
    child.on('message', (finding: CutFinding) => {
      clearTimeout(timer);
      timer = setTimeout(end, CUT_TIMEOUT_MS);
      found.push(finding);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      process.off('exit', end);
      if (code === 0 && found.length === job.cuts.length) resolve(found);
      else
        reject(
          new Error(
            `a checker ended with ${code ?? signal} after ${found.length} of ${job.cuts.length} cuts`,
          ),
        );
    });
    child.send(job);
  });
}
