import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { junit, type Run } from './junit.js';
import { table } from './table.js';

/** What a run leaves in its work folder. */
const FILES = ['report.txt', 'junit.xml', 'suites.tap', 'console.log', 'seed'];
/** Failures kept in a work folder; the oldest go. */
const MAX_KEPT = 20;

/** Writes the text, the JUnit and the TAP file; returns the text. */
export function writeReport(work: string, run: Run, tap: string): string {
  const text = table(run);
  writeFileSync(join(work, 'report.txt'), `${text}\n`);
  writeFileSync(join(work, 'junit.xml'), junit(run));
  writeFileSync(join(work, 'suites.tap'), tap);
  writeFileSync(join(work, 'seed'), `${run.seed}\n`);
  return text;
}

/** Copies what a failed run left to a folder of its own, named by time, rig and seed, where no later run overwrites it. */
export function keepFailure(work: string, rig: string, seed: number, now = new Date()): string {
  const all = join(work, 'failed');
  const folder = join(all, `${now.toISOString().replace(/[:.]/g, '-')}-${rig}-seed-${seed}`);
  mkdirSync(folder, { recursive: true });
  for (const name of FILES) {
    if (existsSync(join(work, name))) copyFileSync(join(work, name), join(folder, name));
  }
  const old = readdirSync(all).sort().slice(0, -MAX_KEPT);
  for (const name of old) rmSync(join(all, name), { recursive: true });
  return folder;
}
