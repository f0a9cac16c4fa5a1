import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FASTEST_MS, GROUP_BYTES, SLOWEST_MS } from '../../runtime/store/flash.js';
import { Pace } from '../../runtime/store/pace.js';
import { secondsBetween } from '../../runtime/store/rate.js';

const DAY_S = 86_400;
/** 16 GB × 300 cycles ÷ 4 over five years. */
const BUDGET_PER_S = 7_610;

interface Load {
  readonly days: number;
  /** Written besides the group commits, bytes a second, at a second of the run. */
  other(atS: number): number;
  /** What a group commit costs in truth, of what the model says. */
  readonly truth?: number;
  readonly start?: number;
  readonly budgetPerS?: number;
}

interface Run {
  readonly writtenBytes: number;
  readonly seconds: number;
  /** Of each group commit. */
  readonly commits: readonly { readonly atS: number; readonly ms: number; readonly levelBytes: number }[];
}

/** Rows always wait: each interval ends in a commit, and what else is written is told with it. */
function run({ days, other, truth = 1, start, budgetPerS = BUDGET_PER_S }: Load): Run {
  const commits: { atS: number; ms: number; levelBytes: number }[] = [];
  let nowNs = 0n;
  let writtenBytes = 0;
  const pace = new Pace(budgetPerS, nowNs, start);
  for (let atS = 0; atS < days * DAY_S; atS = secondsBetween(0n, nowNs)) {
    const ms = pace.intervalMs(nowNs);
    nowNs += BigInt(Math.round(ms * 1e6));
    const bytes = GROUP_BYTES * truth + (other(atS) * ms) / 1000;
    pace.group(nowNs);
    pace.wrote(bytes, nowNs);
    writtenBytes += bytes;
    commits.push({ atS, ms, levelBytes: pace.levelBytes });
  }
  return { writtenBytes, seconds: secondsBetween(0n, nowNs), commits };
}

const after = (result: Run, atS: number) => result.commits.filter((one) => one.atS > atS).map(({ ms }) => ms);
const swing = (intervals: readonly number[]) => {
  const sorted = [...intervals].sort((a, b) => a - b);
  return sorted.at(-1)! / sorted[0]!;
};

test('the budget is used and kept, and the interval stands still, whatever a commit costs in truth', (t) => {
  for (const truth of [0.4, 0.6, 1, 1.8]) {
    const result = run({ days: 12, other: () => 800, truth });
    const share = result.writtenBytes / (BUDGET_PER_S * result.seconds);
    const late = after(result, 5 * DAY_S);
    t.diagnostic(
      `×${truth}: ${(100 * share).toFixed(1)} % of the budget, ${(late[0]! / 1000).toFixed(2)} s, swing ${swing(late).toFixed(3)}`,
    );
    assert.ok(share > 0.97 && share < 1.03, `${share}`);
    assert.ok(swing(late) < 1.02, `${swing(late)}`);
  }
});

test('bursts are paid for, and the interval comes back without swinging', () => {
  const burst = (atS: number) => (atS % DAY_S < 3600 ? 40_000 : 500);
  const result = run({ days: 30, other: burst });
  assert.ok(result.writtenBytes <= BUDGET_PER_S * result.seconds * 1.02 + (BUDGET_PER_S * DAY_S) / 2);
  const [first, second] = [20, 21].map((day) => after(result, day * DAY_S).slice(0, 5_000));
  assert.ok(
    Math.abs(first!.length - second!.length) === 0 && Math.abs(swing(first!) / swing(second!) - 1) < 0.1,
  );
  const calm = result.commits
    .filter(({ atS }) => atS > 10 * DAY_S && atS % DAY_S > 6 * 3600)
    .map(({ ms }) => ms);
  const turns = calm.slice(2).filter((ms, i) => (ms - calm[i + 1]!) * (calm[i + 1]! - calm[i]!) < 0).length;
  assert.ok(turns < calm.length / 100, `${turns} turns in ${calm.length} intervals: it swings`);
});

test('a large card is written every second, and one that can’t bear the rows every minute', () => {
  const large = run({ days: 2, other: () => 800, budgetPerS: 20 * BUDGET_PER_S });
  assert.equal(swing(large.commits.map(({ ms }) => ms)), 1);
  assert.equal(large.commits[0]!.ms, FASTEST_MS);
  const full = run({ days: 3, other: () => 3 * BUDGET_PER_S });
  assert.equal(after(full, DAY_S).at(-1), SLOWEST_MS);
  assert.ok(
    full.commits.every(({ ms, levelBytes }) => ms >= FASTEST_MS && ms <= SLOWEST_MS && levelBytes >= 0),
  );
});

test('an empty bucket is no fresh one after a restart', () => {
  const empty = run({ days: 0.01, other: () => 800, start: 0 }).commits[0]!.ms;
  const fresh = run({ days: 0.01, other: () => 800 }).commits[0]!.ms;
  assert.equal(empty, SLOWEST_MS);
  assert.ok(fresh < 10_000);
});
