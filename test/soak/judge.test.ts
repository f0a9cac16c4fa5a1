import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Sample, theilSen } from './judge.js';

const MAX_MB = 90;

/** Ten minutes, a sample each 10 s. */
function run(residentMb: (atS: number) => number, change: Partial<Sample> = {}): Sample[] {
  return Array.from({ length: 60 }, (_, i) => {
    const atS = 10 * (i + 1);
    const rest = { privateMb: 0, descriptors: 30, threads: 20, cpuS: 0, rows: 0 };
    return { atS, residentMb: residentMb(atS), ...rest, ...change };
  });
}

const saw = (atS: number) => 70 + (atS % 70) / 20;

test('a saw-tooth that stays where it is passes, and so does growth while code is compiled', () => {
  assert.ok(judge(run(saw), MAX_MB).ok);
  assert.ok(
    judge(
      run((atS) => 60 + Math.min(atS, 180) / 10 + saw(atS) - 70),
      MAX_MB,
    ).ok,
  );
});

test('one late step and one high peak are no leak', () => {
  assert.ok(
    judge(
      run((atS) => (atS > 350 ? 72 : 70)),
      MAX_MB,
    ).ok,
  );
  assert.ok(
    judge(
      run((atS) => (atS === 400 ? 89 : 70)),
      MAX_MB,
    ).ok,
  );
});

test('a leak of a megabyte a minute fails under the saw-tooth, and so does a size over the bound', () => {
  const leak = judge(
    run((atS) => saw(atS) + atS / 60),
    MAX_MB,
  );
  assert.equal(leak.ok, false);
  assert.match(leak.lines.join('\n'), /FAILED growth/);
  assert.match(
    judge(
      run(() => 91),
      MAX_MB,
    ).lines.join('\n'),
    /FAILED resident at the end: 91\.0 MiB/,
  );
});

test('descriptors that pile up fail', () => {
  const samples = run(saw).map((sample) => ({ ...sample, descriptors: 30 + Math.floor(sample.atS / 60) }));
  assert.match(judge(samples, MAX_MB).lines.join('\n'), /FAILED descriptors/);
});

test('a run too short to tell says so and judges only the size', () => {
  const short = run(saw).slice(0, 20);
  assert.match(judge(short, MAX_MB).lines.join('\n'), /not judged/);
});

test("Sen's slope of a straight line is its slope, whatever one outlier says", () => {
  const samples = run((atS) => (atS === 300 ? 500 : atS / 60));
  assert.ok(Math.abs(theilSen(samples) - 1 / 60) < 1e-9);
});
