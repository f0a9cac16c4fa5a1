import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openStore } from '../../runtime/store/index.js';
import { crashOptions, STORE } from './options.js';
import { fastFolder } from './recording.js';
import { cannotWatch, watched } from './shim.js';

const WRITER = fileURLToPath(new URL('./slow-writer.js', import.meta.url));
const SYNC_MS = 2000;
const P99_MS = 50;
const FOR_MS = Number(process.env.CAIRN_CRASH_SLOW_MS ?? 9000);
/** What a row of this stream takes in memory while it waits: 8 bytes of time, 9 a channel. */
const ROW_BYTES = 26;

interface Fared {
  readonly p99Ms: number;
  readonly rows: number;
  readonly mostPending: number;
  readonly commits: number;
  readonly refusals: number;
  readonly dropped: number;
}

async function write(t: TestContext, syncMs: number, memoryBytes: number): Promise<Fared> {
  const folder = fastFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, STORE);
  await (await openStore(crashOptions(path))).close();
  const env = { ...process.env, ...(syncMs > 0 && watched(folder, join(folder, 'operations'), { syncMs })) };
  const args = [WRITER, path, String(FOR_MS), String(memoryBytes)];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout) as Fared;
}

// They wait for syncs, each on a disk of its own.
describe('a slow disk', { concurrency: true }, () => {
  test('FAULTS 12: a disk whose syncs take 2 s: the event loop goes on, what waits is bounded', {
    skip: cannotWatch,
    timeout: 240_000,
  }, async (t) => {
    // Beside what this machine, as busy as it is now, makes of the same with a disk that is quick.
    const [quick, slow] = await Promise.all([write(t, 0, 1024 * 1024), write(t, SYNC_MS, 1024 * 1024)]);
    t.diagnostic(
      `event loop p99 ${slow.p99Ms.toFixed(1)} ms (quick disk: ${quick.p99Ms.toFixed(1)}), ${slow.rows} rows at 200/s, ` +
        `${slow.commits} commits, at most ${slow.mostPending} rows waited, ${slow.dropped} dropped`,
    );
    assert.ok(
      slow.p99Ms < Math.max(P99_MS, 3 * quick.p99Ms),
      `p99 ${slow.p99Ms} ms, ${quick.p99Ms} with a quick disk`,
    );
    assert.ok(
      slow.commits > 0 && slow.commits < quick.commits,
      `${slow.commits} commits, ${quick.commits} with a quick disk`,
    );
    assert.equal(slow.dropped, 0, 'memory was enough');
    assert.equal(slow.refusals, 0, 'slow is not broken');
  });

  test('FAULTS 12: with memory for less than a sync takes, the oldest rows go, with gaps', {
    skip: cannotWatch,
    timeout: 240_000,
  }, async (t) => {
    const memoryBytes = 4096;
    const { mostPending, dropped } = await write(t, SYNC_MS, memoryBytes);
    t.diagnostic(`at most ${mostPending} rows waited, ${dropped} are in gaps`);
    assert.ok(mostPending <= (2 * memoryBytes) / ROW_BYTES, `${mostPending} rows waited`);
    assert.ok(dropped > 0);
  });
});
