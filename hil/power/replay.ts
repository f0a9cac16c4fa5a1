import type { CutFinding } from './checker.js';
import { planCuts } from './plan.js';
import { checkAll } from './pool.js';
import { loadDisks, type Recording } from './recording.js';

export interface Replay {
  readonly found: readonly CutFinding[];
  readonly cutsPerMinute: number;
}

/** Cuts of all recordings together, each by its share of the writes; those that wrote little get some too. */
export async function replayCuts(
  recordings: readonly Recording[],
  count: number,
  seed: number,
  scratch: string,
): Promise<Replay> {
  const logs = recordings.map((recording) => loadDisks(recording).log);
  const shares = shared(
    logs.map(({ entries }) => entries.length),
    count,
  );
  const found: CutFinding[] = [];
  const startMs = performance.now();
  for (const [i, recording] of recordings.entries()) {
    const cuts = planCuts(logs[i]!, recording.said, shares[i]!, seed + i);
    if (cuts.length === 0) continue;
    found.push(...(await checkAll({ recording: recording.folder, scratch, seed: seed + i, cuts })));
  }
  return { found, cutsPerMinute: (60_000 * found.length) / (performance.now() - startMs) };
}

/** `count` by weight: half of it evenly among those that weigh anything. Together `count`, unless nothing weighs. */
export function shared(weights: readonly number[], count: number): readonly number[] {
  const some = weights.filter((weight) => weight > 0).length;
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const ends: number[] = [];
  let part = 0;
  for (const weight of weights) {
    if (weight > 0) part += 0.5 / some + (0.5 * weight) / sum;
    ends.push(Math.round(part * count));
  }
  return ends.map((end, i) => end - (ends[i - 1] ?? 0));
}
