import { BEGIN, END, ERROR, TIME, WIRING } from '../marks.js';

/** One test of a suite. */
export interface TestPoint {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or what the failure says. */
  readonly detail: string;
  readonly tookMs: number;
}

/** What became of one suite. */
export interface SuiteReport {
  readonly suite: string;
  readonly tests: readonly TestPoint[];
  /** Lines that the tests gave for whoever reads the report: latencies, rates. */
  readonly diagnostics: readonly string[];
  readonly tookMs: number;
  /** `skipped`: by the rig's manifest, the whole suite or each of its tests. `failed` also where it never began, or never ended. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped as a whole, or failed beside its tests; empty otherwise. */
  readonly detail: string;
}

/** The runner's own counts, which end every file. */
const SUMMARY = /^# (Subtest: |(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$|hil )/;
const TIMED_OUT = 124;

/** The suites' results from what the rig wrote: TAP 13 of node:test between two marks a suite, torn off anywhere. */
export function readSuites(tap: string, wanted: readonly string[]): readonly SuiteReport[] {
  return wanted.map((suite) => {
    const begin = tap.indexOf(`${BEGIN} ${suite}\n`);
    if (begin < 0) return unfinished(suite, [], [], 'it never began');
    const rest = tap.slice(begin);
    const end = new RegExp(`^${END} ${suite} (\\d+) (\\d+)\\n`, 'm').exec(rest);
    const next = rest.indexOf(`\n${BEGIN} `);
    const lines = rest
      .slice(0, end?.index ?? (next < 0 ? undefined : next + 1))
      .split('\n')
      .slice(0, -1);
    const tests = testsOf(lines);
    const diagnostics = lines.filter((line) => line.startsWith('# ') && !SUMMARY.test(line));
    const said = diagnostics.map((line) => line.slice(2));
    if (!end) return unfinished(suite, tests, said, 'it did not end');
    return {
      suite,
      tests,
      diagnostics: said,
      tookMs: Number(end[2]),
      ...judge(lines, tests, Number(end[1])),
    };
  });
}

function unfinished(
  suite: string,
  tests: readonly TestPoint[],
  diagnostics: readonly string[],
  detail: string,
): SuiteReport {
  const last = tests.at(-1);
  const after = last ? `; the last test to end was "${last.name}"` : '';
  return { suite, tests, diagnostics, tookMs: 0, outcome: 'failed', detail: `${detail}${after}` };
}

/** A suite that ends well without a test that ran is skipped where it says why, else it failed: nothing was shown. */
function judge(
  lines: readonly string[],
  tests: readonly TestPoint[],
  code: number,
): Pick<SuiteReport, 'outcome' | 'detail'> {
  if (code === TIMED_OUT) return { outcome: 'failed', detail: 'it took too long and was ended' };
  if (tests.some(({ outcome }) => outcome === 'failed')) return { outcome: 'failed', detail: '' };
  if (code !== 0) return { outcome: 'failed', detail: `its process ended with ${code}${saidIn(lines)}` };
  if (tests.some(({ outcome }) => outcome === 'passed')) return { outcome: 'passed', detail: '' };
  const whole = lines
    .map((line) => /^1\.\.0 # SKIP (.*)$/i.exec(line)?.[1])
    .find((found) => found !== undefined);
  if (whole !== undefined) return { outcome: 'skipped', detail: whole };
  if (tests.length > 0) return { outcome: 'skipped', detail: '' };
  return { outcome: 'failed', detail: 'it holds no test' };
}

function saidIn(lines: readonly string[]): string {
  const said = lines.find((line) => line.startsWith(ERROR))?.slice(ERROR.length + 1);
  return said === undefined ? '' : `: ${said}`;
}

/** What the check of the rig's wiring found wrong before the suites, one line a fault. */
export function readWiring(tap: string): readonly string[] {
  return marked(tap, WIRING);
}

/** What took how long around the suites. */
export function readTimes(tap: string): readonly string[] {
  return marked(tap, TIME);
}

function marked(tap: string, mark: string): readonly string[] {
  const lines = tap.split('\n').filter((line) => line.startsWith(`${mark} `));
  return lines.map((line) => line.slice(mark.length + 1));
}

/** Top-level points only; a point's YAML block follows it, indented by two. */
function testsOf(lines: readonly string[]): readonly TestPoint[] {
  return lines.flatMap((line, i) => {
    const point = /^(not )?ok \d+ - (.*?)(?: # (SKIP|TODO)(.*))?$/i.exec(line);
    if (!point) return [];
    const [, bad, name, directive, why] = point;
    const block = blockAfter(lines, i + 1);
    const skipped = directive?.toUpperCase() === 'SKIP';
    const outcome = skipped ? 'skipped' : bad ? 'failed' : 'passed';
    const tookMs = Number(/^ {2}duration_ms: ([\d.]+)$/m.exec(block)?.[1] ?? 0);
    const detail = skipped ? why!.trim() : bad ? block.replace(/^ {2}/gm, '') : '';
    return [{ name: unescaped(name!), outcome, detail: unescaped(detail), tookMs }];
  });
}

function blockAfter(lines: readonly string[], start: number): string {
  if (lines[start] !== '  ---') return '';
  const end = lines.indexOf('  ...', start);
  return lines.slice(start + 1, end < 0 ? undefined : end).join('\n');
}

function unescaped(text: string): string {
  return text.replace(/\\([#\\])/g, '$1');
}
