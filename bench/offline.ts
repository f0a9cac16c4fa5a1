import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, controlPath } from '../runtime/control.js';
import { ensureIdentity } from '../runtime/identity.js';
import { packageRoot } from '../runtime/package.js';
import type { PipelineStatus } from '../runtime/pipeline.js';
import { realFiles } from '../runtime/store/index.js';
import { inFolder, seconds } from './measure.js';
import { offlineStreams } from './offline-rows.js';
import type { Bench, Report } from './report.js';

const READINGS = Number(process.env.CAIRN_OFFLINE_READINGS ?? 10_000_000);
/** 40 streams of a row a second, committed every 10 s: what `commit: auto` comes to on a card of 16 GB. */
const STREAMS = 40;
const ROWS_PER_COMMIT = Number(process.env.CAIRN_OFFLINE_ROWS ?? 10);
const SIZE_BYTES = 400_000_000;
/** What must hold (of a run of 10 million). */
const MOST = { diskBytes: 400_000_000, residentBytes: 128 * 1024 * 1024, readyMs: 3_000 };
/** The audit of all that is stored runs meanwhile. */
const WATCH_S = 30;

interface Filled {
  readonly committedRows: number;
  readonly blocks: number;
  /** Rows in gaps. */
  readonly lost: number;
}

export const offline: Bench = {
  name: 'offline',
  title: `Offline: ${READINGS / 1e6} million readings on the disk, kill -9, and the node again`,
  isLong: true,
  run: () => inFolder(run),
};

async function run(folder: string): Promise<Report> {
  const identity = ensureIdentity(join(folder, 'identity')).identity;
  const path = join(folder, 'store');
  mkdirSync(path);
  const began = performance.now();
  const script = fileURLToPath(new URL('./offline-node.js', import.meta.url));
  const counts = [READINGS, STREAMS, ROWS_PER_COMMIT].map(String);
  // As bin/cairn starts a node.
  const filler = fork(script, [path, String(SIZE_BYTES), identity.node, ...counts], {
    execArgv: ['--max-semi-space-size=1', '--max-old-space-size=96'],
    env: { ...process.env, MALLOC_MMAP_THRESHOLD_: '16384' },
  });
  const [filled] = (await once(filler, 'message')) as [Filled];
  const fillS = (performance.now() - began) / 1000;
  const filling = peakResidentBytes(filler);
  await killed(filler);
  const diskBytes = await realFiles.sizeBytes(path);
  const empty = await startAgain(folder, join(folder, 'empty'), 0);
  const again = await startAgain(folder, path, WATCH_S);
  return report({ filled, fillS, filling, diskBytes, emptyMs: empty.readyMs, ...again });
}

/** `cairn run` on that store, as after a crash: until it samples, and what it sampled is on the disk. */
async function startAgain(folder: string, store: string, watchS: number) {
  const file = join(folder, 'node.yaml');
  writeFileSync(file, nodeFile(folder, store));
  const began = performance.now();
  const cairn = join(packageRoot(), 'bin', 'cairn');
  const node = spawn(cairn, ['run', '--config', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  let readyMs = 0;
  for (; readyMs === 0; await seconds(0.02)) {
    if (node.exitCode !== null) throw new Error('the node did not start again');
    const status = await statusOf(store);
    if (status && status.store.committedRows > 0 && status.parts.some(({ samples }) => samples > 0)) {
      readyMs = performance.now() - began;
    }
  }
  const readyResident = peakResidentBytes(node);
  await seconds(watchS);
  const status = await statusOf(store);
  const auditing = peakResidentBytes(node);
  await killed(node);
  return {
    readyMs,
    readyResident,
    auditing,
    late: status?.parts.reduce((sum, { missed }) => sum + missed, 0) ?? 0,
  };
}

async function statusOf(store: string): Promise<PipelineStatus | undefined> {
  return (await ask(controlPath(store), 'status').catch(() => undefined)) as PipelineStatus | undefined;
}

function nodeFile(folder: string, store: string): string {
  return [
    'node: offline',
    'board: twin',
    `identity: ${join(folder, 'identity')}`,
    'parts:',
    '  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms }',
    '  self: { driver: node, every: 10s }',
    `store: { path: ${store}, size: ${SIZE_BYTES / 1e6} MB, commit: 1s }`,
    'log: warn',
    '',
  ].join('\n');
}

/** The most that a process had resident so far (proc(5): VmHWM). */
function peakResidentBytes({ pid }: ChildProcess): number {
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

interface Measured {
  readonly filled: Filled;
  readonly fillS: number;
  readonly filling: number;
  readonly diskBytes: number;
  readonly readyMs: number;
  /** The same node on a store that it makes. */
  readonly emptyMs: number;
  readonly readyResident: number;
  readonly auditing: number;
  readonly late: number;
}

function report(found: Measured): Report {
  const { filled, fillS, filling, diskBytes, readyMs, emptyMs, readyResident, auditing, late } = found;
  const { what } = offlineStreams(STREAMS);
  const residentBytes = Math.max(filling, readyResident, auditing);
  const broken = [
    filled.lost > 0 && `${filled.lost} rows became gaps`,
    diskBytes > MOST.diskBytes && `${mb(diskBytes)} MB on the disk`,
    residentBytes > MOST.residentBytes && `${mb(residentBytes)} MB resident`,
    readyMs > MOST.readyMs && `ready after ${Math.round(readyMs)} ms`,
  ].filter((one) => one !== false);
  if (READINGS >= 10_000_000 && broken.length > 0) process.exitCode = 1;
  return {
    figures: [
      { what: 'readings stored', unit: 'million', better: 'more', ours: filled.committedRows / 1e6 },
      { what: 'on the disk', unit: 'MB', better: 'less', ours: mb(diskBytes) },
      { what: 'a reading on the disk', unit: 'B', better: 'less', ours: diskBytes / filled.committedRows },
      {
        what: 'stored, each commit synced',
        unit: 'readings/s',
        better: 'more',
        ours: filled.committedRows / fillS,
      },
      { what: 'resident at most while filling', unit: 'MB', better: 'less', ours: mb(filling) },
      {
        what: 'after kill -9: sampling, and samples on the disk',
        unit: 'ms',
        better: 'less',
        ours: readyMs,
        peer: { name: 'the same on an empty store', value: emptyMs },
      },
      { what: 'the node resident then', unit: 'MB', better: 'less', ours: mb(readyResident) },
      { what: `the same in ${WATCH_S} s of audit`, unit: 'MB', better: 'less', ours: mb(auditing) },
      { what: 'samples missed meanwhile', unit: '', better: 'less', ours: late },
    ],
    notes: [
      `${STREAMS} streams (${what}), ${ROWS_PER_COMMIT} rows of each a commit; a store of ${SIZE_BYTES / 1e6} MB.`,
      broken.length > 0
        ? `NOT KEPT: ${broken.join(', ')}`
        : 'Kept: 400 MB of disk, 128 MiB resident, ready within 3 s.',
    ],
  };
}

function mb(bytes: number): number {
  return bytes / 1e6;
}
