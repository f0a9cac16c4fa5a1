import * as v from 'valibot';
import { parseDurationMs } from '../../drivers/contract/index.js';

const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
/** Standard gravity, m/s² (CGPM 1901). */
const STANDARD_GRAVITY_MPS2 = 9.80665;

const NUMBER = String.raw`(\d+(?:\.\d+)?)\s*`;
const SIZE = new RegExp(`^${NUMBER}(B|kB|MB|GB|KiB|MiB|GiB)$`);
const PERCENT = new RegExp(`^${NUMBER}%$`);
const ACCELERATION = new RegExp(`^${NUMBER}(m/s2|m/s²|g)$`);

const SIZE_WANTED = 'a size with its unit, such as 512 MB or 1 GiB';
const PERCENT_WANTED = 'a percentage with its sign, such as 5%';
const ACCELERATION_WANTED = 'an acceleration with its unit, such as 40 m/s2 or 4 g';

/** `512 MB`, `1 GiB` → bytes, within bounds that are named as people write them. */
export function sizeBytes(min: string, max: string) {
  const [low, high] = [SIZE.exec(min)!, SIZE.exec(max)!].map(bytesOf) as [number, number];
  return v.pipe(
    v.string(SIZE_WANTED),
    v.regex(SIZE, SIZE_WANTED),
    v.transform((text) => bytesOf(SIZE.exec(text)!)),
    v.minValue(low, `at least ${min}`),
    v.maxValue(high, `at most ${max}`),
  );
}

function bytesOf(match: RegExpExecArray): number {
  return Math.round(Number(match[1]) * BYTES_PER[match[2]!]!);
}

const PER_DAY = /^(.*?) ?\/ ?day$/;
const PER_DAY_WANTED = 'bytes a day, such as 50 kB/day';

/** `50 kB/day` → 50000 */
export function bytesPerDay(min: string, max: string) {
  const size = sizeBytes(min, max);
  return v.pipe(
    v.string(PER_DAY_WANTED),
    v.check((text) => SIZE.test(PER_DAY.exec(text)?.[1] ?? ''), PER_DAY_WANTED),
    v.transform((text) => PER_DAY.exec(text)![1]!),
    size,
  );
}

/** `5%` → 5 */
export function percent(min: number, max: number) {
  return v.pipe(
    v.string(PERCENT_WANTED),
    v.regex(PERCENT, PERCENT_WANTED),
    v.transform((text) => Number(PERCENT.exec(text)![1])),
    v.minValue(min, `at least ${min}%`),
    v.maxValue(max, `at most ${max}%`),
  );
}

/** `40 m/s2`, `4 g` → m/s² */
export function accelerationMps2(min: number, max: number) {
  return v.pipe(
    v.string(ACCELERATION_WANTED),
    v.regex(ACCELERATION, ACCELERATION_WANTED),
    v.transform((text) => {
      const match = ACCELERATION.exec(text)!;
      return Number(match[1]) * (match[2] === 'g' ? STANDARD_GRAVITY_MPS2 : 1);
    }),
    v.minValue(min, `at least ${min} m/s2`),
    v.maxValue(max, `at most ${max} m/s2`),
  );
}

const DURATION_WANTED = 'a duration or rate with its unit, such as 10s, 250ms, 5min or 10 Hz';
const DURATION = /^\d+(?:\.\d+)?\s*(?:us|µs|ms|s|min|h|d|Hz|kHz)$/;

/** `10s`, `10 Hz` → ms, within bounds that are named as people write them; `why` stands behind the lower one. */
export function duration(min: string, max: string, why = '') {
  return v.pipe(
    v.string(DURATION_WANTED),
    v.regex(DURATION, DURATION_WANTED),
    v.transform((text) => parseDurationMs(text) ?? Number.NaN),
    v.minValue(parseDurationMs(min) ?? Number.NaN, `at least ${min}${why}`),
    v.maxValue(parseDurationMs(max) ?? Number.NaN, `at most ${max}`),
  );
}

/** `auto`, or a duration as above. */
export function autoOrDuration(min: string, max: string) {
  const [low, high] = [min, max].map((text) => parseDurationMs(text) ?? Number.NaN) as [number, number];
  const wanted = `auto, or ${DURATION_WANTED}`;
  return v.pipe(
    v.string(wanted),
    v.regex(new RegExp(`^auto$|${DURATION.source}`), wanted),
    v.transform((text) => (text === 'auto' ? ('auto' as const) : (parseDurationMs(text) ?? Number.NaN))),
    v.check((ms) => ms === 'auto' || ms >= low, `auto, or at least ${min}`),
    v.check((ms) => ms === 'auto' || ms <= high, `auto, or at most ${max}`),
  );
}

const LIFE_WANTED = 'a time in years or days, such as 5y or 500d';
const LIFE = /^(\d+(?:\.\d+)?)\s*([yd])$/;
const DAY_MS = 86_400_000;

/** `5y` → ms */
export function lifeMs(minDays: number, maxYears: number) {
  return v.pipe(
    v.string(LIFE_WANTED),
    v.regex(LIFE, LIFE_WANTED),
    v.transform((text) => {
      const [, count, unit] = LIFE.exec(text)!;
      return Number(count) * (unit === 'y' ? 365 : 1) * DAY_MS;
    }),
    v.minValue(minDays * DAY_MS, `at least ${minDays}d`),
    v.maxValue(maxYears * 365 * DAY_MS, `at most ${maxYears}y`),
  );
}

/** 90000 → `90s`: the shortest whole form in one unit. */
export function formatMs(ms: number): string {
  const unit = UNITS.find(([, per]) => ms >= per && Number.isInteger(ms / per));
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];
