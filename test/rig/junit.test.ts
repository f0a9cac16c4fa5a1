import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { junit } from '../../hil/report/junit.js';
import type { SuiteReport } from '../../hil/report/tap.js';

const noPython =
  spawnSync('python3', ['-c', 'import xml.etree']).status === 0 ? false : 'python3 is not installed';

/** Expat, as Python has it: not our idea of what XML is. */
const READ = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
print(json.dumps([{**suite.attrib, 'cases': [[case.get('name'), [child.tag for child in case], ''.join(case.itertext())]
  for case in suite.findall('testcase')], 'out': suite.findtext('system-out')} for suite in root]))
`;

interface Read {
  readonly name: string;
  readonly tests: string;
  readonly failures: string;
  readonly skipped: string;
  readonly time: string;
  readonly cases: readonly [name: string, children: readonly string[], text: string][];
  readonly out: string | null;
}

function parsed(xml: string): readonly Read[] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', READ], { input: xml, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as readonly Read[];
}

const suite: SuiteReport = {
  suite: 'gpio',
  tests: [
    { name: 'a < b & "c"', outcome: 'passed', detail: '', tookMs: 1500 },
    { name: 'bad', outcome: 'failed', detail: "error: 'x]]>y'\ncode: <1>", tookMs: 2 },
    { name: 'away', outcome: 'skipped', detail: 'no lines', tookMs: 0 },
  ],
  diagnostics: ['median < 1 ms'],
  tookMs: 2345,
  outcome: 'failed',
  detail: 'it took too long and was ended',
};

test('another parser reads the counts, the names and the reasons', { skip: noPython }, () => {
  const [rig, gpio] = parsed(
    junit({
      rig: 'r',
      seed: 9,
      full: false,
      wiring: ['main 0x76: nobody answers'],
      times: [],
      suites: [suite],
    }),
  );
  assert.deepEqual([rig!.name, rig!.failures], ['the rig itself', '1']);
  assert.deepEqual(
    [gpio!.name, gpio!.tests, gpio!.failures, gpio!.skipped, gpio!.time, gpio!.out],
    ['gpio', '4', '2', '1', '2.345', 'median < 1 ms'],
  );
  assert.deepEqual(gpio!.cases[0], ['a < b & "c"', [], '']);
  assert.deepEqual(gpio!.cases[1], ['bad', ['failure'], "error: 'x]]>y'\ncode: <1>"]);
  assert.deepEqual(gpio!.cases[2]!.slice(0, 2), ['away', ['skipped']]);
  assert.deepEqual(gpio!.cases[3]!.slice(0, 2), ['the suite gpio', ['failure']]);
});

test('any text of a test gives well-formed XML', { skip: noPython }, () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const control = fc.constantFrom('\u0000', '\u001b[31m', '\ud800', ']]>', '\ufffe', '<!--', '\r\n');
  fc.assert(
    fc.property(fc.array(fc.oneof(text, control), { minLength: 8, maxLength: 40 }), (texts) => {
      const tests = texts.map((name) => ({ name, outcome: 'failed', detail: name, tookMs: 1 }) as const);
      const [read] = parsed(
        junit({
          rig: 'r',
          seed: 1,
          full: true,
          wiring: [],
          times: [],
          suites: [{ ...suite, tests, diagnostics: texts }],
        }),
      );
      assert.equal(read!.cases.length, texts.length + 1);
    }),
    { numRuns: 20 },
  );
});
