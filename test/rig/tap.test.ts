import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { beginMark, endMark, errorMark, readyMark, timeMark, wiringMark } from '../../hil/marks.js';
import { table } from '../../hil/report/table.js';
import { readSuites, readTimes, readWiring } from '../../hil/report/tap.js';

/** What Node's own runner says of a file, so that no shape here is ours. */
function tapOf(source: string): { readonly tap: string; readonly code: number } {
  const file = join(mkdtempSync(join(tmpdir(), 'cairn-tap-')), 'suite.mjs');
  writeFileSync(file, `import { test } from 'node:test';\nimport assert from 'node:assert';\n${source}`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ['--test-reporter=tap', file];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return { tap: stdout, code: status! };
}

function asWritten(suite: string, source: string): string {
  const { tap, code } = tapOf(source);
  return `${beginMark(suite)}${tap}${endMark(suite, code, 1234)}`;
}

const MIXED = `
test('good # with a hash', (t) => t.diagnostic('median 0.17 ms'));
test('bad', () => assert.equal(1 + 1, 3, 'arithmetic\\nis hard'));
test('not here', { skip: 'bench-1 lacks lines: none' }, () => {});
test('nested', async (t) => { await t.test('inner', () => assert.fail('inner fails')); });
`;

test('each test is told once by its own name, with why it failed or was skipped, and what it measured', () => {
  const [suite] = readSuites(asWritten('mixed', MIXED), ['mixed']);
  assert.deepEqual(
    suite!.tests.map(({ name, outcome }) => [name, outcome]),
    [
      ['good # with a hash', 'passed'],
      ['bad', 'failed'],
      ['not here', 'skipped'],
      ['nested', 'failed'],
    ],
  );
  assert.equal(suite!.outcome, 'failed');
  assert.equal(suite!.tookMs, 1234);
  assert.deepEqual(suite!.diagnostics, ['median 0.17 ms']);
  assert.match(suite!.tests[1]!.detail, /is hard/);
  assert.equal(suite!.tests[2]!.detail, 'bench-1 lacks lines: none');
});

test('a suite that passes, one skipped whole, one whose tests are all skipped, and one without a test', () => {
  const tap = [
    readyMark(1.5, 150_000),
    asWritten('good', "test('a', () => {});"),
    `${beginMark('whole')}TAP version 13\n1..0 # SKIP bench-1 lacks buses: no header\n${endMark('whole', 0, 5)}`,
    asWritten('each', "test('a', { skip: 'why' }, () => {});"),
    asWritten('empty', ''),
  ].join('');
  const suites = readSuites(tap, ['good', 'whole', 'each', 'empty']);
  assert.deepEqual(
    suites.map(({ outcome, detail }) => [outcome, detail]),
    [
      ['passed', ''],
      ['skipped', 'bench-1 lacks buses: no header'],
      ['skipped', ''],
      ['failed', 'it holds no test'],
    ],
  );
});

test('wherever the TAP is torn off, no suite that did not end passes, and none that ended is lost', () => {
  const first = asWritten('first', "test('a', () => {});");
  const whole = first + asWritten('second', "test('b', () => {}); test('c', () => {});");
  for (let length = 0; length < whole.length; length++) {
    const suites = readSuites(whole.slice(0, length), ['first', 'second', 'third']);
    const wanted = [length >= first.length ? 'passed' : 'failed', 'failed', 'failed'];
    assert.deepEqual(
      suites.map(({ outcome }) => outcome),
      wanted,
      `torn at ${length}`,
    );
  }
  const both = readSuites(whole, ['first', 'second']);
  assert.ok(both.every(({ outcome }) => outcome === 'passed'));
});

test('a suite without its end mark keeps to its own lines when another follows', () => {
  const lost = `${beginMark('lost')}TAP version 13\nok 1 - a\n`;
  const suites = readSuites(lost + asWritten('next', "test('b', () => {});"), ['lost', 'next']);
  assert.deepEqual(
    suites.map(({ outcome, tests }) => [outcome, tests.length]),
    [
      ['failed', 1],
      ['passed', 1],
    ],
  );
  assert.match(suites[0]!.detail, /did not end.*"a"/);
});

test('a process that ends badly fails its suite, with what it said, though each test passed', () => {
  const { tap } = tapOf("test('a', () => {});");
  const crashed = `${beginMark('s')}${tap}${errorMark('Segmentation\nfault\n')}${endMark('s', 139, 1)}`;
  assert.equal(readSuites(crashed, ['s'])[0]!.detail, 'its process ended with 139: Segmentation | fault');
  const late = `${beginMark('s')}${tap}${endMark('s', 124, 1)}`;
  assert.match(readSuites(late, ['s'])[0]!.detail, /too long/);
});

test('a suite whose name another begins with is not taken for it', () => {
  const tap = asWritten('gpio-more', "test('a', () => {});");
  assert.equal(readSuites(tap, ['gpio'])[0]!.detail, 'it never began');
});

test('the table shows suite, rig, counts, reasons, failures in one line, and figures', () => {
  const tap =
    timeMark('guest built in', 16_042) + wiringMark('main 0x76: nobody answers') + asWritten('mixed', MIXED);
  const text = table({
    rig: 'bench-1',
    seed: 7,
    full: false,
    wiring: readWiring(tap),
    times: readTimes(tap),
    suites: readSuites(tap, ['mixed']),
  });
  assert.match(text, /^rig bench-1, seed 7, guest built in 16\.0 s$/m);
  assert.match(text, /^mixed +bench-1 +1 +2 +1 +1\.2 s +FAILED$/m);
  assert.match(text, /^ {2}main 0x76: nobody answers$/m);
  assert.match(text, /^ {2}mixed: not here: bench-1 lacks lines: none$/m);
  assert.match(text, /^ {2}mixed: bad: arithmetic is hard/m);
  assert.match(text, /^ {2}mixed: median 0\.17 ms$/m);
});
