import type { SuiteReport, TestPoint } from './tap.js';

/** What a report is about. */
export interface Run {
  readonly rig: string;
  readonly seed: number;
  readonly full: boolean;
  /** What is wired wrong, one line a fault. */
  readonly wiring: readonly string[];
  /** What took how long around the suites. */
  readonly times: readonly string[];
  readonly suites: readonly SuiteReport[];
}

/** JUnit's XML, as Jenkins and GitLab read it: a suite that failed beside its tests has a case of its own. */
export function junit({ rig, seed, full, wiring, suites }: Run): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escaped(rig)}">`,
    ...[...wiringSuite(wiring), ...suites].map((suite) => suiteXml(rig, seed, full, suite)),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteXml(rig: string, seed: number, full: boolean, suite: SuiteReport): string {
  const cases = [...suite.tests, ...ownCase(suite)];
  const count = (outcome: string) => cases.filter((test) => test.outcome === outcome).length;
  const counts = `tests="${cases.length}" failures="${count('failed')}" skipped="${count('skipped')}"`;
  const said = suite.diagnostics.join('\n');
  return [
    `  <testsuite name="${escaped(suite.suite)}" ${counts} errors="0" time="${time(suite.tookMs)}">`,
    `    <properties><property name="rig" value="${escaped(rig)}"/><property name="seed" value="${seed}"/><property name="full" value="${full}"/></properties>`,
    ...cases.map((test) => caseXml(`${rig}.${suite.suite}`, test)),
    ...(said === '' ? [] : [`    <system-out>${escaped(said)}</system-out>`]),
    '  </testsuite>',
  ].join('\n');
}

/** Faults of the wiring stand as a suite of their own. */
function wiringSuite(wiring: readonly string[]): readonly SuiteReport[] {
  const tests = wiring.map((line) => ({ name: line, outcome: 'failed', detail: line, tookMs: 0 }) as const);
  const none = { diagnostics: [], tookMs: 0, detail: '' };
  return wiring.length === 0 ? [] : [{ suite: 'the rig itself', tests, outcome: 'failed', ...none }];
}

function ownCase({ suite, outcome, detail }: SuiteReport): readonly TestPoint[] {
  return detail === '' ? [] : [{ name: `the suite ${suite}`, outcome, detail, tookMs: 0 }];
}

function caseXml(classname: string, { name, outcome, detail, tookMs }: TestPoint): string {
  const open = `    <testcase classname="${escaped(classname)}" name="${escaped(name)}" time="${time(tookMs)}"`;
  if (outcome === 'passed') return `${open}/>`;
  const first = escaped(detail.split('\n', 1)[0]!);
  if (outcome === 'skipped') return `${open}><skipped message="${first}"/></testcase>`;
  return `${open}><failure message="${first}">${escaped(detail)}</failure></testcase>`;
}

function time(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** Characters that XML 1.0 has no way to write (§2.2) become U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`);
}
