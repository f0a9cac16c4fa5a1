import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lock } from '../../hil/lock.js';
import { noSocat } from '../board/pty.js';

const main = join(import.meta.dirname, '../../hil/main.js');
const LACKS = `lacks:
  lines: a workstation has none
  buses: a workstation has none
  services: nobody is around it
`;

function rigOf(text: string): { readonly file: string; readonly work: string } {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-in-place-'));
  const file = join(folder, 'rig.yaml');
  writeFileSync(file, text);
  return { file, work: join(folder, 'work') };
}

function hil({ file, work }: ReturnType<typeof rigOf>, ...more: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = [main, '--rig', file, '--work', work, ...more];
  return spawnSync(process.execPath, args, { encoding: 'utf8', env });
}

test('a rig that has only a pty: what it has is run, what it lacks is listed, and the run is green', {
  skip: noSocat,
}, () => {
  const rig = rigOf(
    `name: pty-${process.pid}\nmachine: { host: local }\nprograms: [socat]\nsuites: [serial, gpio]\n${LACKS}`,
  );
  const { status, stdout, stderr } = hil(rig, '--seed', '5');
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^serial +pty-\d+ +[1-9]\d* +0 +\d+ +[\d.]+ s +ok$/m);
  assert.match(stdout, /^gpio +pty-\d+ +0 +0 +0 +[\d.]+ s +skipped$/m);
  assert.match(stdout, /^ {2}gpio: pty-\d+ lacks lines: a workstation has none$/m);
  assert.equal(readFileSync(join(rig.work, 'report.txt'), 'utf8'), stdout);
  assert.match(readFileSync(join(rig.work, 'junit.xml'), 'utf8'), /<testsuite name="serial" .* failures="0"/);
  assert.match(readFileSync(join(rig.work, 'suites.tap'), 'utf8'), /^# hil end serial 0 \d+$/m);
});

test('a need that the manifest is silent about fails the suite, and says so; the run is kept with its seed', () => {
  const rig = rigOf(`name: silent-${process.pid}\nmachine: { host: local }\nsuites: [i2c]\n`);
  const { status, stdout, stderr } = hil(rig, '--seed', '77');
  assert.equal(status, 1, stderr);
  assert.match(stdout, /i2c: its process ended with 1: .*'buses\.main\.twins' is needed; say what it is/);
  const [kept] = readdirSync(join(rig.work, 'failed'));
  assert.match(kept!, /-seed-77$/);
  assert.ok(stderr.includes(kept!));
});

test('a rig on which nothing runs is not green; a work folder that is in use is refused in one line', async () => {
  const rig = rigOf(`name: none-${process.pid}\nmachine: { host: local }\nsuites: [gpio]\n${LACKS}`);
  const none = hil(rig);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /nothing ran/);
  const unlock = await lock(join(rig.work, 'lock'), { wait: true });
  const second = hil(rig);
  assert.equal(second.status, 2);
  assert.match(second.stderr, /^\[hil\] .*lock is held by process \d+ since \S+\n$/);
  unlock();
});
