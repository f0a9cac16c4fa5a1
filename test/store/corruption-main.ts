// npm run rot -- [--corruptions N] [--seed S] [--folder DIR]: damages a store's files at random and holds what comes of it against what was
// written. A process of its own runs the trials, so that one that dies is seen. Exit code 1 when anything was silent.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { randomOf } from './corruption-damage.js';
import { Maker } from './corruption-template.js';
import { type TrialResult, trial } from './corruption-trial.js';

/** Trials share a store's content for so many seeds. */
const SEEDS_A_TEMPLATE = 500;
const SHOWN = 20;

const { values } = parseArgs({
  options: {
    corruptions: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
});
const [count, first] = [Number(values.corruptions), Number(values.seed)];
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'cairn-rot-'));

if (values.worker) await work();
else await lead();

/** Runs the trials from `first` on; the parent hears of each. */
async function work(): Promise<void> {
  let made = -1;
  let templates: Awaited<ReturnType<Maker['make']>> = [];
  for (let seed = first; seed < first + count; seed += 1) {
    const content = Math.floor(seed / SEEDS_A_TEMPLATE);
    if (content !== made) {
      made = content;
      const at = join(folder, 'content');
      rmSync(at, { recursive: true, force: true });
      templates = await new Maker(at, randomOf(content)).make();
    }
    process.send!(await trial(templates[seed % templates.length]!, seed, join(folder, 'trial')));
  }
  // What a trial that failed left open must not keep the process.
  process.once('disconnect', () => process.exit(0));
  process.disconnect();
}

async function lead(): Promise<void> {
  const began = performance.now();
  const [faults, results]: [string[], TrialResult[]] = [[], []];
  for (let next = first; next < first + count; ) {
    const child = fork(
      fileURLToPath(import.meta.url),
      ['--worker', '--seed', String(next), '--corruptions', String(first + count - next), '--folder', folder],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    );
    child.on('message', (result: TrialResult) => {
      next = result.seed + 1;
      results.push(result);
      if (result.ms > 3000)
        process.stdout.write(`seed ${result.seed} (${result.harm}): ${result.ms.toFixed(0)} ms\n`);
      if (result.faults.length > 0) {
        faults.push(`seed ${result.seed} (${result.harm}): ${result.faults.slice(0, 4).join('; ')}`);
        process.stdout.write(`${faults.at(-1)}\n`);
      }
    });
    const died = await ended(child);
    if (next < first + count) {
      faults.push(`seed ${next}: the process died (${died})`);
      process.stdout.write(`${faults.at(-1)}\n`);
      next += 1;
    }
  }
  report(results, faults, performance.now() - began);
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = faults.length > 0 ? 1 : 0;
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)));
}

function report(results: readonly TrialResult[], faults: readonly string[], ms: number): void {
  const slow = results.map((result) => result.ms).toSorted((a, b) => a - b);
  const epochs = results.filter((result) => result.isNewEpoch).length;
  const rows = results.reduce((sum, result) => sum + result.servedRows, 0);
  process.stdout.write(
    `${results.length} corruptions from seed ${first}: ${faults.length} at fault; ${epochs} began a new epoch; ${Math.round(rows / results.length)} rows served each; ` +
      `${Math.round(ms / 1000)} s, ${(slow[Math.floor(slow.length / 2)] ?? 0).toFixed(0)} ms in the middle, ${(slow.at(-1) ?? 0).toFixed(0)} ms at most\n`,
  );
  for (const fault of faults.slice(0, SHOWN)) process.stdout.write(`  ${fault}\n`);
}
