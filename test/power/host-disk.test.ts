import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { DiskImage } from '../../hil/power/disk-image.js';
import { extract } from '../../hil/power/file-system.js';
import { cannotMountLogged, LoggedDisk } from '../../hil/power/host-disk.js';
import { planCuts } from '../../hil/power/plan.js';
import { checkAll } from '../../hil/power/pool.js';
import {
  checkReplay,
  loadDisks,
  loadRecording,
  recordingFiles,
  saveRecording,
} from '../../hil/power/recording.js';
import { tally } from '../../hil/power/tally.js';
import { WitnessStand } from '../../hil/power/witness.js';
import { machineId } from '../../runtime/clock/index.js';
import { ensureIdentity } from '../../runtime/identity.js';
import { verifyStore } from '../../runtime/store/index.js';
import { MAIN } from '../acceptance/harness.js';
import { testDeps } from '../store/support.js';

const PROMISES = 80;
/** On a machine that does much else. */
const RUN_MS = 40_000;
const CUTS = 40;
const SIZE_BYTES = 16_000_000;
const project = (() => {
  let folder = import.meta.dirname;
  while (spawnSync('test', ['-e', join(folder, 'package-lock.json')]).status !== 0) folder = dirname(folder);
  return folder;
})();
const skip = cannotMountLogged();

interface Disk {
  readonly mountOptions?: string;
  /** A library before libc. */
  readonly preload?: string;
}

/** A node at 200 readings/s on a new logged ext4 of this machine's kernel, killed; and so many cuts of it. */
async function cutsOf(
  t: { after(run: () => void): void; diagnostic(text: string): void },
  disk: Disk,
  seed: number,
) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-power-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const mounted = await LoggedDisk.mount(folder, 48, disk.mountOptions);
  let node: ChildProcess | undefined;
  let reader: ChildProcess | undefined;
  const stand = WitnessStand.beside(recordingFiles(folder).log);
  const { identity } = ensureIdentity(join(folder, 'identity'));
  try {
    const fifo = join(folder, 'commits');
    execFileSync('mkfifo', [fifo]);
    reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
    const heardAll = once(reader, 'exit');
    reader.stdout!.setEncoding('utf8').on('data', (text: string) => stand.hear(text));
    node = startNode(folder, join(mounted.mountPoint, 'store'), fifo, disk.preload);
    for (const end = Date.now() + RUN_MS; stand.said.length < PROMISES && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 50));
    const gone = once(node, 'exit');
    node.kill('SIGKILL');
    await gone;
    await heardAll;
  } finally {
    node?.kill('SIGKILL');
    reader?.kill('SIGKILL');
    await mounted.unmount();
  }
  const about = {
    storePath: 'store',
    sizeBytes: SIZE_BYTES,
    node: identity.node,
    machineId: machineId(),
  };
  saveRecording({ folder, ...about, said: stand.said });
  const disks = loadDisks({ folder });
  checkReplay({ folder }, disks);
  assert.ok(
    stand.said.length >= PROMISES,
    `${stand.said.length} promises: ${readFileSync(join(folder, 'log'), 'utf8')}`,
  );
  const cuts = planCuts(disks.log, stand.said, CUTS, seed);
  const found = tally(await checkAll({ recording: folder, scratch: folder, seed, cuts }));
  t.diagnostic(`seed ${seed}: ${JSON.stringify(found.figures)}`);
  return { ...found, recording: loadRecording(folder) };
}

function startNode(folder: string, store: string, commits: string, preload?: string): ChildProcess {
  const part = (name: string, bus: number, address: string) =>
    `  ${name}: { driver: lis3mdl, bus: i2c-${bus}, address: ${address}, every: 20ms, dataRateHz: 80 }`;
  const parts = [part('a', 1, '0x1c'), part('b', 1, '0x1e'), part('c', 2, '0x1c'), part('d', 2, '0x1e')];
  const config = join(folder, 'node.yaml');
  writeFileSync(
    config,
    `node: cut\nboard: twin\nidentity: ${join(folder, 'identity')}\nparts:\n${parts.join('\n')}\nstore: { path: ${store}, size: 16 MB, commit: 200ms, reserve: 2s }\n`,
  );
  const log = openSync(join(folder, 'log'), 'w');
  const env = { ...process.env, CAIRN_COMMIT_LOG: commits, ...(preload ? { LD_PRELOAD: preload } : {}) };
  const node = spawn(process.execPath, [MAIN, 'run', '--config', config], {
    env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return node;
}

test('a node at 200 readings/s on a real ext4: no cut loses what was committed, from the making of the store on', {
  skip,
  timeout: 200_000,
}, async (t) => {
  const { figures, bad, recording } = await cutsOf(t, {}, 1);
  assert.deepEqual(bad, [], 'every store opens, nothing is lost, every number accounted for');
  assert.equal(figures.cuts, CUTS);
  assert.ok(figures.torn >= CUTS / 2 && figures.promised >= CUTS / 2, 'the cuts were worth it');
  const live = extract(
    DiskImage.read(recordingFiles(recording.folder).live),
    'store',
    join(recording.folder, 'live'),
  );
  const verdict = await verifyStore(live.path, testDeps());
  assert.deepEqual(verdict.problems, []);
  const { epoch, stream, next } = recording.said.findLast(({ stream: name }) => name === 'a')!;
  const found = verdict.streams.find((one) => one.epoch === epoch && one.stream === stream);
  assert.deepEqual(found?.stored, [[0, next]], 'the promises and the audit of the live disk count alike');
  assert.ok(next > 20);
});

test('on a disk that is not flushed (nobarrier) the same test fails', {
  skip,
  timeout: 200_000,
}, async (t) => {
  const { figures } = await cutsOf(t, { mountOptions: 'nobarrier' }, 1);
  assert.ok(figures.losing > CUTS / 4, `${figures.losing} cuts lose`);
});

test('with a node that does not sync the same test fails', { skip, timeout: 200_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-no-sync-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(folder, { recursive: true });
  const preload = join(folder, 'no-sync.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', preload, join(project, 'hil/power/no-sync.c')]);
  const { figures } = await cutsOf(t, { preload }, 1);
  assert.ok(figures.losing > CUTS / 4, `${figures.losing} cuts lose`);
});
