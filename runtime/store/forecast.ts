import { STREAM_CLASSES, type StreamClass } from '../../drivers/contract/index.js';
import {
  budgetBytesPerS,
  contentBytes,
  enduranceBytes,
  FASTEST_MS,
  type Flash,
  RESERVE_BYTES,
  SLOWEST_MS,
  STORE_SHARE,
  SYNC_BYTES,
} from './flash.js';
import type { LossWindow } from './types.js';
import { LIVE_MS } from './wear.js';

/** What a batch, a block and a row take before compression has much to work with, bytes (measured: 284 for one row, 678 for five blocks). */
const BATCH_BYTES = 200;
const BLOCK_BYTES = 95;
const CHANNEL_BYTES = 2;
/** The bounds of a fixed interval in a node file. */
const FIXED_MIN_MS = 50;
const FIXED_MAX_MS = 600_000;
const DAY_S = 86_400;

export interface ForecastStream {
  readonly name: string;
  readonly class: StreamClass;
  readonly isLive: boolean;
  readonly rowsPerS: number;
  readonly channels: number;
}

/** What streams will ask of a flash, before anything is written. */
export interface WearForecast {
  readonly flash: Flash;
  readonly isAuto: boolean;
  readonly commitIntervalMs: number;
  readonly bytesPerDay: number;
  /** The store's share. */
  readonly budgetBytesPerDay: number;
  /** Until the store has used its share up. */
  readonly years: number;
  readonly isWornOut: boolean;
  readonly live: { readonly streams: readonly string[]; readonly bytesPerDay: number };
  readonly windows: readonly LossWindow[];
  /** The shortest commit interval that the flash bears; `undefined` where none is long enough. */
  readonly bearableMs: number | undefined;
  /** Without live streams it would be borne. */
  readonly isLiveToBlame: boolean;
}

export function forecastWear(
  streams: readonly ForecastStream[],
  flash: Flash,
  commitIntervalMs: number | 'auto',
): WearForecast {
  const budget = STORE_SHARE * budgetBytesPerS(flash);
  const isAuto = commitIntervalMs === 'auto';
  const live = streams.filter((stream) => stream.isLive && !isLiveByNature(stream.class));
  const calm = streams.map((stream) => (live.includes(stream) ? { ...stream, isLive: false } : stream));
  const bearableMs = bearable(
    streams,
    budget,
    isAuto ? FASTEST_MS : FIXED_MIN_MS,
    isAuto ? SLOWEST_MS : FIXED_MAX_MS,
  );
  const intervalMs = isAuto ? (bearableMs ?? SLOWEST_MS) : commitIntervalMs;
  const perS = costPerS(streams, intervalMs);
  return {
    flash,
    isAuto,
    commitIntervalMs: intervalMs,
    bytesPerDay: perS * DAY_S,
    budgetBytesPerDay: budget * DAY_S,
    years: (STORE_SHARE * enduranceBytes(flash)) / (perS * DAY_S * 365),
    isWornOut: perS > budget * 1.001,
    live: {
      streams: live.map(({ name }) => name),
      bytesPerDay: Math.max(0, perS - costPerS(calm, intervalMs)) * DAY_S,
    },
    windows: windowsOf(streams, intervalMs),
    bearableMs,
    isLiveToBlame: live.length > 0 && bearable(calm, budget, FASTEST_MS, SLOWEST_MS) !== undefined,
  };
}

function isLiveByNature(streamClass: StreamClass): boolean {
  return streamClass === 'alarm' || streamClass === 'event';
}

/** What a power cut can cost, the sync in flight left out: it is the card's. */
function windowsOf(streams: readonly ForecastStream[], intervalMs: number): readonly LossWindow[] {
  const liveMs = Math.min(LIVE_MS, intervalMs);
  const of = (
    lane: LossWindow['of'],
    ms: number,
    wanted: (stream: ForecastStream) => boolean,
  ): LossWindow => {
    const found = streams.filter(wanted);
    return { of: lane, ms, rows: Math.ceil((rowsOf(found) * ms) / 1000) };
  };
  const isDeclared = (stream: ForecastStream) => stream.isLive && !isLiveByNature(stream.class);
  return [
    ...STREAM_CLASSES.filter(isLiveByNature).map((name) =>
      of(name, name === 'alarm' ? 0 : liveMs, (stream) => stream.class === name),
    ),
    of('live', liveMs, isDeclared),
    ...STREAM_CLASSES.filter((name) => !isLiveByNature(name)).map((name) =>
      of(name, intervalMs, (stream) => stream.class === name && !stream.isLive),
    ),
  ];
}

/** The shortest interval within bounds whose cost is within the budget, ms, to a part in a thousand. */
function bearable(
  streams: readonly ForecastStream[],
  budget: number,
  minMs: number,
  maxMs: number,
): number | undefined {
  if (costPerS(streams, maxMs) > budget) return undefined;
  let [low, high] = [minMs, maxMs];
  if (costPerS(streams, low) <= budget) return low;
  while (high > low * 1.001) {
    const middle = Math.sqrt(low * high);
    if (costPerS(streams, middle) <= budget) high = middle;
    else low = middle;
  }
  return high;
}

/** What reaches the device a second, bytes. A batch takes along whatever waits, so that the busiest of live and group sets the pace. */
function costPerS(streams: readonly ForecastStream[], intervalMs: number): number {
  const alarms = rowsOf(streams.filter((stream) => stream.class === 'alarm'));
  const live = rowsOf(streams.filter((stream) => stream.class !== 'alarm' && stream.isLive));
  const group = rowsOf(streams.filter((stream) => !stream.isLive));
  const paced = Math.max(Math.min(live, 1000 / LIVE_MS), Math.min(group, 1000 / intervalMs));
  const batches = alarms + paced;
  // Renewed at most once an interval, and not for fewer rows than are reserved at least.
  const reserves = alarms + Math.min(1000 / intervalMs, 1000 / 5_000, rowsOf(streams) / 8);
  const content = streams.reduce(
    (sum, { rowsPerS, channels }) =>
      sum + rowsPerS * CHANNEL_BYTES * (1 + channels) + Math.min(rowsPerS, batches) * BLOCK_BYTES,
    batches * BATCH_BYTES,
  );
  return batches * SYNC_BYTES + reserves * RESERVE_BYTES + contentBytes(content, false);
}

function rowsOf(streams: readonly ForecastStream[]): number {
  return streams.reduce((sum, { rowsPerS }) => sum + rowsPerS, 0);
}
