/** What became of one suite in the guest. */
export interface SuiteResult {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** It began, ran to its end, and its process ended well. */
  readonly good: boolean;
}

export const BEGIN = '# hil begin';
export const END = '# hil end';

/** The suites' results from what the guest wrote: TAP 13 between two marks a suite. One that has no end mark, or no test, is not good. */
export function readResults(tap: string, wanted: readonly string[]): readonly SuiteResult[] {
  return wanted.map((suite) => {
    const begin = tap.indexOf(`${BEGIN} ${suite}\n`);
    const end = tap.indexOf(`${END} ${suite} `, Math.max(begin, 0));
    const body = begin < 0 ? '' : tap.slice(begin, end < 0 ? undefined : end);
    const mark = end < 0 ? null : /^(\d+) (\d+)\n/.exec(tap.slice(end + `${END} ${suite} `.length));
    const points = body.split('\n').filter((line) => /^(not )?ok \d+/.test(line));
    const skipped = points.filter((line) => / # SKIP/i.test(line)).length;
    const failed = points.filter((line) => line.startsWith('not ok')).length;
    const passed = points.length - skipped - failed;
    return {
      suite,
      passed,
      failed,
      skipped,
      seconds: Number(mark?.[2] ?? 0) / 1000,
      good: mark?.[1] === '0' && failed === 0 && passed > 0,
    };
  });
}

export function table(rig: string, results: readonly SuiteResult[]): string {
  const rows = results.map(({ suite, passed, failed, skipped, seconds, good }) => [
    suite,
    rig,
    String(passed),
    String(failed),
    String(skipped),
    `${seconds.toFixed(1)} s`,
    good ? 'ok' : 'FAILED',
  ]);
  const head = ['suite', 'rig', 'passed', 'failed', 'skipped', 'time', ''];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [head, ...rows].map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n');
}
