import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/* The binding in a process of its own, against a chip that is preloaded under it (native/test/preload_gpio.c). */
const skip = spawnSync('cc', ['--version']).status === 0 ? false : 'no C compiler (cc) for the fake chip';
const here = dirname(fileURLToPath(import.meta.url));

function chipSource(): string {
  let folder = here;
  while (!existsSync(join(folder, 'native', 'test', 'preload_gpio.c'))) folder = dirname(folder);
  return join(folder, 'native', 'test', 'preload_gpio.c');
}

const folder = skip ? '' : mkdtempSync(join(tmpdir(), 'cairn-gpio-'));
const chip = join(folder, 'chip.so');
if (!skip) execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', chip, chipSource(), '-ldl', '-lpthread']);
after(() => folder && rmSync(folder, { recursive: true }));

/** What the child saw, and what the chip says it sent. */
async function run<Seen>(mode: string, edges: number, perSecond: number) {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', join(here, 'gpio-child.js'), mode],
    {
      timeout: 20_000,
      env: {
        ...process.env,
        LD_PRELOAD: chip,
        FAKE_EDGES: String(edges),
        FAKE_EDGES_PER_S: String(perSecond),
      },
    },
  );
  const [, sent, dropped] = /sent (\d+) dropped (\d+)/.exec(stderr) ?? [];
  return { seen: JSON.parse(stdout) as Seen, sent: Number(sent), dropped: Number(dropped) };
}

interface Flood {
  edges: number;
  rising: number;
  lost: number;
  batchMax: number;
  ordered: boolean;
  end: string;
  lateMs: number;
  worstTimerMs: number;
}

test('50,000 edges/s: each is delivered or counted, and timers go on', { skip }, async (t) => {
  const { seen, sent, dropped } = await run<Flood>('flood', 50_000, 50_000);
  t.diagnostic(`${seen.edges} edges, ${seen.lost} lost, worst timer ${seen.worstTimerMs.toFixed(1)} ms`);
  assert.equal(seen.edges, sent);
  assert.equal(seen.lost, dropped);
  assert.ok(seen.ordered && seen.batchMax <= 512);
  assert.ok(seen.lateMs >= 0 && seen.lateMs < 1000, 'edge times are boot time');
});

test('a loop that stood still for 300 ms: what overflowed is counted exactly', { skip }, async (t) => {
  const { seen, sent, dropped } = await run<Flood>('blocked', 30_000, 50_000);
  t.diagnostic(`${seen.edges} edges, ${seen.lost} lost`);
  assert.ok(dropped > 1000);
  assert.equal(seen.edges, sent);
  assert.equal(seen.lost, dropped);
  assert.ok(seen.batchMax <= 512);
});

test('a chip that goes away is ENODEV once; a closed line is EBADF', { skip }, async () => {
  const { seen } = await run<Flood>('flood', 100, 10_000);
  assert.equal(seen.end, 'ENODEV then EBADF');
  assert.equal(seen.edges, 100);
  assert.equal(seen.rising, 50);
});

test('closing within the callback: no callback after it', { skip }, async () => {
  const { seen } = await run<{ calls: number; end: string }>('closeInCallback', 5_000, 50_000);
  assert.deepEqual(seen, { calls: 1, end: 'EBADF' });
});

test('a listener that throws is an uncaughtException, and edges go on', { skip }, async () => {
  const { seen } = await run<object>('throwInCallback', 5_000, 50_000);
  assert.deepEqual(seen, { caught: ['the listener is wrong'], wentOn: true, end: 'ENODEV then EBADF' });
});

test('a listening line outlives its object; an idle one is given back', { skip }, async () => {
  const { seen } = await run<{ held: number; left: number; edges: number }>('collect', 2_000, 5_000);
  assert.equal(seen.held, 200);
  assert.ok(seen.left < 10, `${seen.left} files left`);
  assert.equal(seen.edges, 2_000);
});

test('a worker that ends with a line open takes it along', { skip }, async () => {
  const { seen } = await run<object>('endWorkers', 1_000_000, 10_000);
  assert.deepEqual(seen, { ended: 3 });
});
