import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cannotGroup, MemoryGroup } from '../support/memory-group.js';
import { cannotFail, FailingDisk } from './failing-disk.js';

const CHILD = fileURLToPath(new URL('./memory-child.js', import.meta.url));
const MIB = 1024 * 1024;
const LIMIT_BYTES = 96 * MIB;
/** Of 500 bytes each, that even a node in need keeps. */
const FLOOR_ROWS = 2 * 1024;
const skip = cannotFail || cannotGroup;

interface Told {
  readonly made: number;
  readonly pendingRows: number;
  readonly numbered: number;
  readonly mostPending: number;
  readonly lost: Readonly<Record<'bulk' | 'log' | 'sos', number>>;
  readonly health: string;
  readonly said: number;
  readonly residentMib: number;
}

/** The child in a group of 96 MiB, on a disk that refuses from its first row on; `undefined`: the kernel ended it. */
async function inGroup(t: TestContext, environment: NodeJS.ProcessEnv = {}): Promise<Told | undefined> {
  const disk = new FailingDisk();
  const group = new MemoryGroup(LIMIT_BYTES);
  const flags = ['--max-semi-space-size=1', '--max-old-space-size=96'];
  const command = [process.execPath, ...flags, CHILD, disk.storePath];
  const child: ChildProcess = spawn('sh', ['-c', group.join, 'sh', ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '8', MALLOC_MMAP_THRESHOLD_: '16384', ...environment },
  });
  const gone = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
    await new Promise((resolve) => setTimeout(resolve, 200));
    group.remove();
    disk.remove();
  });
  child.stdin!.on('error', () => undefined);
  let told: Told | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line === 'ready') {
      disk.fail();
      child.stdin!.write('go\n');
    } else if (line === 'loaded') {
      disk.repair();
      child.stdin!.write('go\n');
    } else told = JSON.parse(line);
  }
  return told;
}

test('FAULTS 42: 96 MiB, a disk that refuses, 256 MiB declared for rows: load is shed, not the process', {
  skip,
  timeout: 90_000,
}, async (t) => {
  const told = await inGroup(t);
  assert.ok(told, 'the kernel ended it');
  const { made, pendingRows, mostPending, numbered, lost, said, residentMib } = told;
  t.diagnostic(
    `${made} rows made, ${pendingRows} waited at the end, ${mostPending} at most, lost: ${JSON.stringify(lost)}; ${residentMib} MiB resident at the end`,
  );
  assert.equal(told.health, 'notWriting');
  assert.ok(said >= 1, 'it says so');
  assert.ok(lost.log > 0, 'the least precious went');
  assert.ok(pendingRows > FLOOR_ROWS, 'no more than had to');
  assert.equal(lost.sos, 0, 'no alarm did');
  assert.equal(numbered, made, 'each row has its number, kept or in a gap');
});

test('FAULTS 42: the same without a look at the memory left is ended by the kernel: the load is one', {
  skip,
  timeout: 90_000,
}, async (t) => {
  assert.equal(await inGroup(t, { UNGUARDED: '1' }), undefined);
});
