/** Mean and standard deviation (n - 1) of each column of some readings. */
export interface Still {
  readonly mean: readonly number[];
  readonly spread: readonly number[];
  readonly count: number;
}

export function stillOf(rows: readonly (readonly number[])[]): Still {
  const columns = (rows[0] ?? []).map((_, i) => rows.map((row) => row[i]!));
  const mean = columns.map((values) => sum(values) / values.length);
  const spread = columns.map((values, i) => {
    const squares = sum(values.map((value) => (value - mean[i]!) ** 2));
    return Math.sqrt(squares / Math.max(1, values.length - 1));
  });
  return { mean, spread, count: rows.length };
}

/**
 * How a row of readings goes: the change along its fitted line from end to end, and the spread about that line. A reading that
 * still settles changes by more than it spreads.
 */
export function trendOf(values: readonly number[]): { readonly change: number; readonly spread: number } {
  const n = values.length;
  if (n < 3) return { change: 0, spread: 0 };
  const middle = (n - 1) / 2;
  const mean = sum(values) / n;
  const slope =
    sum(values.map((value, i) => (i - middle) * (value - mean))) /
    sum(values.map((_, i) => (i - middle) ** 2));
  const squares = sum(values.map((value, i) => (value - mean - slope * (i - middle)) ** 2));
  return { change: slope * (n - 1), spread: Math.sqrt(squares / (n - 2)) };
}

/** Settled: the change over the whole row is within twice the spread about it, or within what the part can tell apart. */
export function isSteady(values: readonly number[], resolution: number): boolean {
  const { change, spread } = trendOf(values);
  return Math.abs(change) <= Math.max(2 * spread, 2 * resolution);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
