import { readdirSync, readFileSync } from 'node:fs';

/** What a process holds at one time, by the kernel's account (proc(5)). */
export interface Sample {
  readonly atS: number;
  /** VmRSS, MiB. */
  readonly residentMb: number;
  /** RssAnon, MiB: what no file stands behind. */
  readonly privateMb: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly cpuS: number;
  /** Acknowledged by the store. */
  readonly rows: number;
}

const TICKS_PER_S = 100;

export function sampleOf(pid: number, atS: number, rows: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]);
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    atS,
    residentMb: field('VmRSS') / 1024,
    privateMb: field('RssAnon') / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S,
    rows,
  };
}

/** Until then code is compiled and the first tables are written: growth means nothing. */
const SETTLING_S = 180;
/** Too few samples say nothing about growth. */
const SLOPE_SAMPLES_MIN = 12;
/** What a late compilation or the phase of the garbage collector's saw-tooth may move a median by. */
const SLACK_MB = 3;
/** A node of 512 MB would live for three weeks with it; what leaks less is for longer runs to find. */
const LEAK_MB_PER_HOUR = 0.5;

export interface Verdict {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/**
 * Too much: the median of the last minute is over the bound. Growing, after three minutes of settling: the Theil-Sen slope (the median of
 * the slopes of all pairs of samples, which no single peak moves; Sen, JASA 63, 1968) is over half a MiB an hour, AND the median of the last
 * third is over that of the first by more than a late compilation or the collector's saw-tooth explains. Ten minutes so tell 40 MiB an
 * hour from noise, a night 0.5. Descriptors and threads are compared by the medians of those thirds.
 */
export function judge(samples: readonly Sample[], residentMaxMb: number): Verdict {
  const endMb = median(samples.slice(-6).map(({ residentMb }) => residentMb));
  const settled = samples.filter(({ atS }) => atS >= SETTLING_S);
  const checks = [
    check(endMb <= residentMaxMb, `resident at the end: ${endMb.toFixed(1)} MiB, at most ${residentMaxMb}`),
    ...(settled.length < SLOPE_SAMPLES_MIN ? [tooShort()] : growth(settled)),
  ];
  return { ok: checks.every(({ ok }) => ok), lines: checks.flatMap(({ lines }) => lines) };
}

function growth(settled: readonly Sample[]): readonly Verdict[] {
  const third = Math.floor(settled.length / 3);
  const thirds = [settled.slice(0, third), settled.slice(-third)] as const;
  const medians = (of: 'residentMb' | 'descriptors' | 'threads') =>
    thirds.map((part) => median(part.map((sample) => sample[of]))) as [number, number];
  const slope = 3600 * theilSen(settled);
  const [before, after] = medians('residentMb');
  const counted = (of: 'descriptors' | 'threads') => {
    const [first, last] = medians(of);
    return check(last <= first + 1, `${of}: ${first} after settling, ${last} at the end`);
  };
  return [
    check(
      !(slope > LEAK_MB_PER_HOUR && after - before > SLACK_MB),
      `growth: ${(after - before).toFixed(1)} MiB from the first third to the last (${before.toFixed(1)} to ${after.toFixed(1)}), slope ${slope.toFixed(1)} MiB/h`,
    ),
    counted('descriptors'),
    counted('threads'),
  ];
}

function tooShort(): Verdict {
  return { ok: true, lines: ['growth: not judged, the run is too short'] };
}

function check(ok: boolean, text: string): Verdict {
  return { ok, lines: [`${ok ? 'ok    ' : 'FAILED'} ${text}`] };
}

/** MiB a second. */
export function theilSen(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((one, i) =>
    samples.slice(i + 1).map((other) => (other.residentMb - one.residentMb) / (other.atS - one.atS)),
  );
  return median(slopes);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
