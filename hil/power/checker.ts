import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '../random.js';
import { CrashPoints, type Cut } from './crash-point.js';
import { type Extracted, extract } from './file-system.js';
import { checkStore, type StoreFinding } from './oracle.js';
import { loadDisks, loadRecording, type Recording } from './recording.js';
import { promisedBy } from './witness.js';
import { SECTOR_BYTES } from './write-log.js';

/** Runs as a process of its own (pool.ts): makes each cut's disk, in order, and looks at it. */
export interface CheckJob {
  readonly recording: string;
  readonly scratch: string;
  readonly seed: number;
  readonly cuts: readonly Cut[];
}

export interface CutFinding extends StoreFinding {
  readonly cut: Cut;
  readonly unflushedSectors: number;
  readonly keptSectors: number;
  /** Something had been promised. */
  readonly promised: boolean;
  readonly repaired: boolean;
}

export async function checkCuts(job: CheckJob, tell: (finding: CutFinding) => void): Promise<void> {
  const recording = loadRecording(job.recording);
  const { base, log } = loadDisks(recording);
  const points = new CrashPoints(base, log.entries);
  for (const cut of job.cuts) {
    const made = points.image(cut, seeded(job.seed + cut.index));
    const cutBytes = log.entries[cut.entries - 1]?.endBytes ?? SECTOR_BYTES;
    const folder = join(job.scratch, `cut-${cut.index}`);
    const promised = promisedBy(recording.said, cutBytes);
    const { unflushedSectors, keptSectors } = made;
    const found = await look(recording, promised, () => extract(made.image, recording.storePath, folder));
    tell({ cut, unflushedSectors, keptSectors, promised: promised.length > 0, ...found });
    rmSync(folder, { recursive: true, force: true });
  }
}

type Look = StoreFinding & { readonly repaired: boolean };

async function look(
  recording: Recording,
  promised: ReturnType<typeof promisedBy>,
  extracted: () => Extracted,
): Promise<Look> {
  try {
    const { path, repaired } = extracted();
    return { ...(await checkStore(path, { ...recording, promised })), repaired };
  } catch (error) {
    const problems = [`it can't be looked at: ${(error as Error).message}`];
    return { opened: false, lost: 0, holes: 0, reused: 0, problems, repaired: false };
  }
}

process.once('message', (job: CheckJob) => {
  void checkCuts(job, (finding) => process.send?.(finding)).then(
    () => process.exit(0),
    (error: Error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
});
