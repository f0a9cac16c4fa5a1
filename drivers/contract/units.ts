import * as v from 'valibot';

const DURATION = /^(\d+(?:\.\d+)?)\s*(us|µs|ms|s|min|h|d|Hz|kHz)$/;
const MS_PER: Readonly<Record<string, number>> = {
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  min: 60e3,
  h: 3600e3,
  d: 86400e3,
};

/** `10s`, `250ms`, `5 min`, `10 Hz` → milliseconds; undefined where it isn't one. A frequency means its period. */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text.trim());
  if (!match) return undefined;
  const amount = Number(match[1]);
  const unit = match[2]!;
  if (unit === 'Hz' || unit === 'kHz') {
    return amount > 0 ? 1000 / (unit === 'Hz' ? amount : amount * 1000) : undefined;
  }
  return amount * MS_PER[unit]!;
}

/** A duration or a rate in a node file, within bounds; the parsed value is in ms. */
export function durationMs(minMs: number, maxMs: number) {
  return v.pipe(
    v.string(`a duration with its unit is wanted, such as 10s, 250ms, 5min or 10 Hz`),
    v.check(
      (text) => parseDurationMs(text) !== undefined,
      'a duration with its unit is wanted, such as 10s, 250ms, 5min or 10 Hz',
    ),
    v.transform((text) => parseDurationMs(text) ?? Number.NaN),
    v.minValue(minMs, `at least ${minMs} ms is wanted`),
    v.maxValue(maxMs, `at most ${maxMs} ms is wanted`),
  );
}
