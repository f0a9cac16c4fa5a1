/** As `/api/v1/streams/:stream/series` answers. */
export interface Series {
  readonly buckets: readonly {
    readonly wallMs: number;
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly count: number;
  }[];
  readonly holes: readonly Hole[];
  readonly uncertainty: readonly { readonly fromMs: number; readonly toMs: number; readonly ms: number }[];
  readonly timeless: number;
}

export interface Hole {
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  readonly cause: string;
}

type Column = (number | null)[];
/** Seconds since 1970; max, min and mean. */
export type Columns = [time: number[], max: Column, min: Column, mean: Column];

/** A silence of so many times the usual distance is no line either, whether it is accounted for or not. */
const SILENCE = 5;

/** With an empty place between two buckets that a hole lies between: nothing is drawn across. */
export function columnsOf({ buckets, holes }: Series): Columns {
  const columns: Columns = [[], [], [], []];
  const usualMs = usualDistance(buckets.map(({ wallMs }) => wallMs));
  buckets.forEach(({ wallMs, min, max, mean }, i) => {
    const beforeMs = buckets[i - 1]?.wallMs;
    if (beforeMs !== undefined && isApart(beforeMs, wallMs, usualMs, holes))
      push(columns, (beforeMs + wallMs) / 2, null, null, null);
    push(columns, wallMs, max, min, mean);
  });
  return columns;
}

/** What holds at a moment: ± ms. */
export function uncertaintyAt({ uncertainty }: Series, wallMs: number): number {
  return uncertainty.find(({ fromMs, toMs }) => wallMs >= fromMs && wallMs <= toMs)?.ms ?? 0;
}

function push([time, max, min, mean]: Columns, wallMs: number, ...values: readonly (number | null)[]): void {
  time.push(wallMs / 1000);
  max.push(values[0]!);
  min.push(values[1]!);
  mean.push(values[2]!);
}

function isApart(fromMs: number, toMs: number, usualMs: number, holes: readonly Hole[]): boolean {
  return toMs - fromMs > SILENCE * usualMs || holes.some((hole) => hole.fromMs < toMs && hole.toMs > fromMs);
}

function usualDistance(timesMs: readonly number[]): number {
  const distances = timesMs.slice(1).map((ms, i) => ms - timesMs[i]!);
  return distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
}

const CAUSES: Readonly<Record<string, string>> = {
  missing: 'under way or missing',
  removed: 'removed by retention',
  quota: 'lost: no room',
  thinned: 'left out',
  rot: 'lost: damaged',
  uncleanStop: 'lost: sudden stop',
  overflow: 'lost: disk refused',
  rejected: 'lost: refused',
  epochEnd: 'lost: store gone',
};

export function causeOf({ cause }: Hole): string {
  return CAUSES[cause] ?? cause;
}

/** The chart in a sentence, for who can't see it. */
export function sentenceOf(series: Series, text: (value: number) => string): string {
  const { buckets, holes, timeless } = series;
  if (buckets.length === 0) return withTimeless('No reading in this window.', timeless);
  const min = buckets.reduce((least, bucket) => Math.min(least, bucket.min), Number.POSITIVE_INFINITY);
  const max = buckets.reduce((most, bucket) => Math.max(most, bucket.max), Number.NEGATIVE_INFINITY);
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const worstMs = series.uncertainty.reduce((worst, { ms }) => Math.max(worst, ms), 0);
  const parts = [
    `${count.toLocaleString('en-US')} ${count === 1 ? 'reading' : 'readings'} ${rangeText(text(min), text(max))}, times within ± ${spanText(worstMs)}.`,
  ];
  const rows = new Map<string, number>();
  for (const hole of holes) rows.set(causeOf(hole), (rows.get(causeOf(hole)) ?? 0) + hole.rows);
  for (const [cause, lost] of rows) parts.push(`${lost.toLocaleString('en-US')} ${cause}.`);
  return withTimeless(parts.join(' '), timeless);
}

function rangeText(min: string, max: string): string {
  return min === max ? `of ${min}` : `from ${min} to ${max}`;
}

function withTimeless(text: string, timeless: number): string {
  return timeless > 0
    ? `${text} ${timeless.toLocaleString('en-US')} more at a time that is not known yet.`
    : text;
}

function spanText(ms: number): string {
  if (ms < 1000) return `${Math.max(1, Math.ceil(ms))} ms`;
  return ms < 120_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.ceil(ms / 60_000)} min`;
}
