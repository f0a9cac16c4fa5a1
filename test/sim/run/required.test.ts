import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MARKS, missing } from './required.js';
import type { SeedResult } from './summary.js';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const LONG = 100_000;

function resultOf(marks: readonly string[]): SeedResult {
  return {
    ...{ seed: 3, hash: '', violation: undefined, hours: 24, readings: 5000, streams: 4, classes: 3 },
    ...{ crashes: 3, outages: 2, jumps: 1, events: 1 },
    marks: marks.map((name) => [name, 1] as const),
  };
}

test('a run that has every mark misses none, and each one that is taken from it is missed by its name', () => {
  assert.deepEqual(missing([resultOf(MARKS)], LONG), []);
  for (const name of MARKS) {
    const others = MARKS.filter((other) => other !== name);
    assert.deepEqual(missing([resultOf(others)], LONG), [`missed mark: ${name}`]);
  }
  assert.equal(new Set(MARKS).size, MARKS.length);
});

test('a short run is not asked for marks', () => {
  assert.deepEqual(missing([resultOf([])]), []);
});

test('a seed that comes to too little is named', () => {
  assert.deepEqual(missing([{ ...resultOf([]), readings: 4999, crashes: 2 }]), [
    'seed 3 has 4999 readings, and 5000 are the least',
    'seed 3 has 2 crashes, and 3 are the least',
  ]);
});

test('npm run sim fails with the names of the marks that it missed', () => {
  const run = spawnSync(process.execPath, [MAIN, '--seeds', '1', '--jobs', '1', '--marks', String(LONG)], {
    encoding: 'utf8',
  });
  assert.equal(run.status, 1, run.stdout + run.stderr);
  // Seed 0 has one kind of broker: the other one's branch can't be taken.
  assert.match(run.stdout, /^missed mark: MQTT (3\.1\.1|5)$/m);
  assert.doesNotMatch(run.stdout, /^missed mark: gap uncleanStop$/m);
});
