import { seconds } from '../shell.js';
import type { Run } from './junit.js';
import type { SuiteReport } from './tap.js';

const WORD = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' };

/** Suite by rig, with what was skipped and why, what failed, and the figures that the tests gave. */
export function table({ rig, seed, wiring, times, suites }: Run): string {
  const rows = suites.map((suite) => {
    const count = (outcome: string) => String(suite.tests.filter((test) => test.outcome === outcome).length);
    const counts = [count('passed'), count('failed'), count('skipped')];
    return [suite.suite, rig, ...counts, seconds(suite.tookMs), WORD[suite.outcome]];
  });
  const head = ['suite', 'rig', 'passed', 'failed', 'skipped by manifest', 'time', ''];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  return [
    [`rig ${rig}`, `seed ${seed}`, ...times].join(', '),
    '',
    ...lines,
    ...section('wired otherwise than the manifest says', wiring),
    ...section('skipped by manifest', suites.flatMap(skips)),
    ...section('failed', suites.flatMap(failures)),
    ...section(
      'figures',
      suites.flatMap(({ suite, diagnostics }) => diagnostics.map((said) => `${suite}: ${said}`)),
    ),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function skips({ suite, tests, outcome, detail }: SuiteReport): readonly string[] {
  if (outcome === 'skipped' && detail !== '') return [`${suite}: ${detail}`];
  const skipped = tests.filter((test) => test.outcome === 'skipped');
  return skipped.map((test) => `${suite}: ${test.name}: ${test.detail || 'no reason given'}`);
}

function failures({ suite, tests, outcome, detail }: SuiteReport): readonly string[] {
  if (outcome !== 'failed') return [];
  const failed = tests.filter((test) => test.outcome === 'failed');
  return [
    ...(detail === '' ? [] : [`${suite}: ${detail}`]),
    ...failed.map((test) => `${suite}: ${test.name}: ${errorOf(test.detail)}`),
  ];
}

/** The message in the runner's YAML: `error: 'one line'`, or `error: |-` and its lines. */
function errorOf(detail: string): string {
  const found = /^error: (?:\|-\n((?: {2}.*\n?)+)|'?(.*?)'?$)/m.exec(detail);
  return (found?.[1] ?? found?.[2] ?? 'no message').trim().replace(/\n\s*/g, ' ');
}
