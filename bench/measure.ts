import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One round of a contender lasts at least this long. */
const ROUND_MS = 60;
const ROUNDS = 5;

/**
 * Median ns a call of each contender. The rounds of all take turns, so that whatever else the machine does falls on all of them; the
 * first round, in which code is compiled, isn't counted.
 */
export function timeNs<Name extends string>(
  contenders: Readonly<Record<Name, () => unknown>>,
): Record<Name, number> {
  const names = Object.keys(contenders) as Name[];
  const calls = new Map(names.map((name) => [name, calibrate(contenders[name])]));
  const rounds = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) rounds.get(name)!.push(callNs(contenders[name], calls.get(name)!));
  }
  return Object.fromEntries(names.map((name) => [name, median(rounds.get(name)!)])) as Record<Name, number>;
}

/** How many calls fill a round, found while the code warms up. */
function calibrate(run: () => unknown): number {
  for (let calls = 1; ; calls *= 2) {
    const ns = callNs(run, calls) * calls;
    if (ns > (ROUND_MS * 1e6) / 2) return Math.max(1, Math.round((calls * ROUND_MS * 1e6) / ns));
  }
}

function callNs(run: () => unknown, calls: number): number {
  const began = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) run();
  return Number(process.hrtime.bigint() - began) / calls;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/** Runs `work` with a folder that is gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(process.env.CAIRN_BENCH_TMP ?? tmpdir(), 'cairn-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface ProcessCost {
  readonly cpuUs: number;
  /** Bytes that the process made dirty in the page cache of a real disk, by whole pages; 0 on a tmpfs. */
  readonly writtenBytes: number;
}

/** What a process has used so far, by the kernel's account (proc(5)): utime + stime in ticks of 10 ms, and write_bytes. */
export function processCost(pid: number | 'self'): ProcessCost {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  return {
    cpuUs: (Number(fields[11]) + Number(fields[12])) * 10_000,
    writtenBytes: Number(/^write_bytes: (\d+)/m.exec(io)?.[1]),
  };
}

export function seconds(s: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, s * 1000));
}

/** Uniform in [0, 1), the same with each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
