import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkStates, textOf } from './check-states.js';
import { CrashDisk } from './crash-disk.js';
import { readOperations } from './operation-log.js';
import { STORE } from './options.js';
import { fastFolder, type Recording, record, runWorkload, usualRuns } from './recording.js';
import { cannotWatch } from './shim.js';

const SEED = Number(process.env.CAIRN_CRASH_SEED ?? Date.now() % 1_000_000);
/** Many more are `npm run crash`. */
const STATES = Number(process.env.CAIRN_CRASH_STATES ?? 200);
const STEPS = 300;
const skip = cannotWatch;

const cannotTrace = spawnSync('strace', ['-V']).status === 0 ? false : 'no strace';

function temporary(t: TestContext): string {
  const folder = fastFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function recorded(t: TestContext, steps: number): Promise<Recording> {
  t.diagnostic(`seed ${SEED}`);
  return record(temporary(t), usualRuns(SEED, steps));
}

test('FAULTS 2, 3: after a power cut at any call, with any of the unsynced sectors, all that was promised is there and every number is accounted for', {
  skip,
  timeout: 600_000,
}, async (t) => {
  const { log } = await recorded(t, STEPS);
  const began = performance.now();
  const { states, replaced, mostUnpromised, violations } = await checkStates({
    log,
    seed: SEED,
    count: STATES,
  });
  const perSecond = (1000 * states) / (performance.now() - began);
  t.diagnostic(
    `${states} states of ${readOperations(log).length} operations, ${violations.length} violations, ${replaced} made anew, ` +
      `at most ${mostUnpromised} rows lost that were not promised; ${perSecond.toFixed(0)}/s`,
  );
  assert.equal(violations.length, 0, textOf(violations));
  assert.ok(states > 0.9 * STATES);
  assert.ok(mostUnpromised > 0, 'cuts that lose nothing cut nothing');
});

test('FAULTS 11: a cut at any call of the making of the store', { skip, timeout: 600_000 }, async (t) => {
  const { log } = await recorded(t, 1);
  const operations = readOperations(log);
  const count = 2 * operations.length;
  const { states, replaced, violations } = await checkStates({ log, seed: SEED, count });
  t.diagnostic(
    `${states} states of ${operations.length} operations, ${violations.length} violations, ${replaced} made anew`,
  );
  assert.equal(violations.length, 0, textOf(violations));
  assert.ok(replaced > 0, 'no cut came before the database was whole');
});

test('the check finds what a disk loses that takes syncs for nothing', {
  skip,
  timeout: 600_000,
}, async (t) => {
  const { log } = await recorded(t, 60);
  const tally = await checkStates({ log, seed: SEED, count: 60, negative: { ignoresSyncs: true } });
  t.diagnostic(`${tally.violations.length} violations in ${tally.states} states`);
  assert.ok(tally.violations.length > 0);
});

test('with everything kept the model is the folder as the processes left it', { skip }, async (t) => {
  const { folder, log } = await recorded(t, 80);
  const disk = new CrashDisk({ entries: 'strict' }, [STORE]);
  for (const operation of readOperations(log)) disk.pass(operation);
  const image = disk.image('all', Math.random);
  const found = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  assert.deepEqual([...image.keys()].toSorted(), found.toSorted());
  for (const [path, bytes] of image) {
    if (bytes) assert.ok(readFileSync(join(folder, path)).equals(bytes), `${path} differs`);
  }
});

/** Of calls with a path or a descriptor: these leave files as they are. */
const READING =
  /^(access|close|faccessat2?|fadvise64|fcntl|fstat|getdents64|inotify_add_watch|lseek|lstat|munmap|newfstatat|openat|pread64|read|readlink|stat|statfs|statx)$/;
/** A call's record in the log. */
const LOGGED: Readonly<Record<string, string>> = {
  write: 'write',
  pwrite64: 'write',
  fsync: 'sync',
  fdatasync: 'sync',
  ftruncate: 'truncate',
  rename: 'rename',
  unlink: 'unlink',
  mkdir: 'mkdir',
  rmdir: 'rmdir',
};

test('the log misses no call that changes the folder', {
  skip: skip || cannotTrace,
  timeout: 200_000,
}, async (t) => {
  const parent = temporary(t);
  const [folder, log, calls] = ['watched', 'operations', 'calls'].map((name) => join(parent, name));
  const under = ['strace', '-f', '-y', '-e', 'trace=%file,%desc,mmap,io_uring_setup', '-o', calls!];
  const run = { seed: SEED, steps: 60, ending: 'clean' } as const;
  assert.deepEqual((await runWorkload(folder!, log!, run, under)).code, 0);
  const seen: Record<string, number> = {};
  for (const line of readFileSync(calls!, 'utf8').split('\n')) {
    const name = /^\d+ +(\w+)\(/.exec(line)?.[1];
    const reads = name === undefined || READING.test(name) || (name === 'mmap' && !/PROT_WRITE/.test(line));
    if (reads || !line.includes(folder!)) continue;
    const kind = LOGGED[name] ?? name;
    seen[kind] = (seen[kind] ?? 0) + 1;
  }
  const logged: Record<string, number> = {};
  for (const { kind } of readOperations(log!)) if (kind !== 'create') logged[kind] = (logged[kind] ?? 0) + 1;
  t.diagnostic(JSON.stringify(logged));
  assert.deepEqual(logged, seen);
});
