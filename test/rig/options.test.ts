import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readOptions, UsageError } from '../../hil/options.js';
import { keepFailure, writeReport } from '../../hil/report/files.js';
import { root } from '../house/imports.js';

const main = join(import.meta.dirname, '../../hil/main.js');
const hil = (...args: readonly string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

test('a wrong command line is one line and exit code 2', () => {
  const wrong = [
    ['--rigg', 'x'],
    ['--rig', 'nowhere'],
    ['--rig', '/nowhere/rig.yaml'],
    ['--only', 'gpio,nothing'],
    ['--seed', '0'],
    ['--seed', 'abc'],
    ['--full=yes'],
    ['suite'],
  ];
  for (const args of wrong) {
    const { status, stderr, stdout } = hil(...args, '--work', mkdtempSync(join(tmpdir(), 'cairn-work-')));
    assert.equal(status, 2, `${args}: ${stderr}`);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.equal(stdout, '');
  }
});

test('a rig is a name or a file; folders come from the options, then the environment; a seed is drawn unless given', () => {
  const read = (args: readonly string[], env = {}) => readOptions(args, env, root);
  assert.equal(read([]).rigFile, join(root, 'hil/rigs/qemu-amd64.yaml'));
  assert.equal(
    read(['--rig', 'hil/rigs/bench-example.yaml']).rigFile,
    join(process.cwd(), 'hil/rigs/bench-example.yaml'),
  );
  assert.equal(read([]).work, join(root, '.cache/hil/run'));
  assert.equal(read([], { CAIRN_HIL_WORK: '/w' }).work, '/w');
  assert.equal(read(['--work', '/x'], { CAIRN_HIL_WORK: '/w', CAIRN_HIL_CACHE: '/c' }).work, '/x');
  assert.equal(read([], { CAIRN_HIL_CACHE: '/c' }).cache, '/c');
  assert.deepEqual(read(['--only', 'gpio,i2c']).only, ['gpio', 'i2c']);
  assert.equal(read(['--seed', '42']).seed, 42);
  assert.notEqual(read([]).seed, read([]).seed);
  assert.throws(() => read(['--seed', '4294967296']), UsageError);
});

test('a failed run is kept in a folder named by time, rig and seed; the oldest of many go', () => {
  const work = mkdtempSync(join(tmpdir(), 'cairn-work-'));
  writeReport(
    work,
    { rig: 'r', seed: 77, full: false, wiring: [], times: [], suites: [] },
    'TAP version 13\n',
  );
  const kept = Array.from({ length: 25 }, (_, i) =>
    keepFailure(work, 'r', 77, new Date(Date.UTC(2026, 0, 1, 0, i))),
  );
  assert.match(kept[0]!, /failed\/2026-01-01T00-00-00-000Z-r-seed-77$/);
  assert.equal(readFileSync(join(kept[24]!, 'seed'), 'utf8'), '77\n');
  assert.equal(readFileSync(join(kept[24]!, 'suites.tap'), 'utf8'), 'TAP version 13\n');
  assert.deepEqual(
    readdirSync(join(work, 'failed'))
      .map((name) => join(work, 'failed', name))
      .sort(),
    kept.slice(5),
  );
});
