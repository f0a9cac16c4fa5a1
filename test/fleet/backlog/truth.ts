import type { Row } from './day.js';

/** What the fleet should show, worked out of all rows at once by plain arithmetic: nothing here knows of blocks, numbers that come late, or databases. */

export interface Bucket {
  readonly wallMs: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

export function bucketsOf(
  rows: readonly Row[],
  channel: number,
  { fromMs, toMs, points }: { readonly fromMs: number; readonly toMs: number; readonly points: number },
): readonly Bucket[] {
  // Whole nanoseconds, as many buckets as were asked for at the most.
  const widthNs = Math.ceil(((toMs - fromMs) * 1e6) / points);
  const values = new Map<number, number[]>();
  for (const { wallMs, values: row } of rows) {
    if (wallMs < fromMs || wallMs >= toMs) continue;
    const at = Math.floor(((wallMs - fromMs) * 1e6) / widthNs);
    values.set(at, [...(values.get(at) ?? []), row[channel]!]);
  }
  return [...values]
    .sort(([a], [b]) => a - b)
    .map(([at, all]) => ({
      wallMs: fromMs + ((at + 0.5) * widthNs) / 1e6,
      ...{ min: Math.min(...all), max: Math.max(...all), count: all.length },
      mean: all.reduce((sum, one) => sum + one, 0) / all.length,
    }));
}

export interface Hole {
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: number;
  readonly cause: string;
}

/** From the last row before to the first one after. */
export function holesOf(rows: readonly Row[]): readonly Hole[] {
  const holes: Hole[] = [];
  let before: Row | undefined;
  let missing: Row[] = [];
  for (const row of rows) {
    if (row.lost) missing.push(row);
    else {
      if (before && missing.length > 0)
        holes.push({
          ...{ fromMs: before.wallMs, toMs: row.wallMs, rows: missing.length },
          cause: missing[0]!.lost!,
        });
      before = row;
      missing = [];
    }
  }
  return holes;
}

export interface Episode {
  readonly fromMs: number;
  /** The row that ended it. */
  readonly endMs: number | undefined;
}

/** Runs over which a value is beyond a limit, until it has come back by the hysteresis; `sign` is -1 for one that must not fall. */
export function episodesOf(
  rows: readonly Row[],
  limit: {
    readonly at: number;
    readonly hysteresis: number;
    readonly forRows: number;
    readonly sign: 1 | -1;
  },
): readonly Episode[] {
  const found: Episode[] = [];
  let run: { fromMs: number; rows: number } | undefined;
  const end = (endMs: number | undefined) => {
    if (run && run.rows >= limit.forRows) found.push({ fromMs: run.fromMs, endMs });
    run = undefined;
  };
  for (const { wallMs, values } of rows) {
    const beyond = (values[0]! - limit.at) * limit.sign;
    if (beyond > 0) {
      run ??= { fromMs: wallMs, rows: 0 };
      run.rows++;
    } else if (beyond <= -limit.hysteresis) end(wallMs);
  }
  end(undefined);
  return found;
}
