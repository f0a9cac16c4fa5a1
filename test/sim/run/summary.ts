import { createHash } from 'node:crypto';
import type { Violation } from '../oracle/oracle.js';
import type { Scenario } from '../scenario.js';
import type { RunResult } from './run.js';

/** What a seed came to, small enough to be sent between processes. */
export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  readonly violation: Violation | undefined;
  readonly hours: number;
  readonly readings: number;
  readonly streams: number;
  readonly classes: number;
  readonly crashes: number;
  readonly outages: number;
  readonly jumps: number;
  readonly events: number;
  readonly marks: readonly (readonly [name: string, count: number])[];
}

export function summaryOf(scenario: Scenario, result: RunResult): SeedResult {
  const { hash, violation, hours, readings, crashes, events, marks } = result;
  const count = (kind: string): number => scenario.faults.filter((fault) => fault.kind === kind).length;
  return {
    ...{ seed: scenario.seed, hash, violation, hours, readings, crashes, events },
    streams: scenario.streams.length,
    classes: new Set(scenario.streams.map((stream) => stream.class)).size,
    outages: count('outage'),
    jumps: count('jump'),
    marks: [...marks],
  };
}

/** One hash over all, in the order of the seeds. */
export function hashOfAll(results: readonly SeedResult[]): string {
  const hash = createHash('sha256');
  for (const { seed, hash: one } of [...results].sort((a, b) => a.seed - b.seed))
    hash.update(`${seed} ${one}\n`);
  return hash.digest('hex');
}

const FIGURES = ['hours', 'readings', 'streams', 'classes', 'crashes', 'outages', 'jumps', 'events'] as const;

/** The least, the median and the most of each figure, a line each. */
export function figures(results: readonly SeedResult[]): readonly string[] {
  return FIGURES.map((name) => {
    const sorted = results.map((result) => result[name]).sort((a, b) => a - b);
    const show = (value: number | undefined): string => (value ?? 0).toFixed(name === 'hours' ? 1 : 0);
    const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
    return `${name} a seed: median ${show(median)} (${show(least)} to ${show(most)})`;
  });
}

/** How many seeds took each branch. */
export function marksOf(results: readonly SeedResult[]): ReadonlyMap<string, number> {
  const seeds = new Map<string, number>();
  for (const { marks } of results) for (const [name] of marks) seeds.set(name, (seeds.get(name) ?? 0) + 1);
  return seeds;
}
