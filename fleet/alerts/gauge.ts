import type { Channel } from '../../drivers/contract/index.js';
import type { Reading } from '../store/types.js';
import { outsideM } from './geo.js';
import type { Condition } from './rule.js';

/** What a rule makes of a row: one number, held against one limit. */
export interface Gauge {
  /** Null: the row says nothing. For a rate it is the value whose change is judged. */
  readonly measure: (row: Reading) => number | null;
  readonly isRate: boolean;
  /** 1: on above the limit, -1: on below it. */
  readonly direction: 1 | -1;
  readonly limit: number;
  readonly hysteresis: number;
  readonly forMs: number;
  readonly forRows: number;
  /** Of happenings, which have no end of their own: those within so long of each other are one. Undefined: a state, which ends. */
  readonly quietMs: number | undefined;
}

export type RowCondition = Exclude<Condition, { kind: 'silence' | 'noMotion' | 'batteryForecast' }>;

/** Whether the rule judges single rows; the others are judged by `tick`. */
export function isOfRows(condition: Condition): condition is RowCondition {
  return !['silence', 'noMotion', 'batteryForecast'].includes(condition.kind);
}

/** Whether a rule needs to know the stream's channels. */
export function needsChannels(condition: Condition): boolean {
  return condition.kind !== 'silence' && !(condition.kind === 'sos' && !condition.channel);
}

/** Undefined: the stream has no such channels. */
export function gaugeOf(condition: RowCondition, channels: readonly Channel[]): Gauge | undefined {
  if (condition.kind === 'geofence') return geofence(condition, channels);
  if (condition.kind === 'shock') return shock(condition, channels);
  if (condition.kind === 'sos') return sos(condition, channels);
  const measure = numberOf(channels, condition.channel);
  if (!measure) return undefined;
  const { kind, above, below, hysteresis } = condition;
  const direction = above === undefined ? -1 : 1;
  const limit = (above ?? below)!;
  return { ...STATE, ...held(condition), measure, isRate: kind === 'rate', direction, limit, hysteresis };
}

const STATE = {
  isRate: false,
  direction: 1,
  hysteresis: 0,
  forMs: 0,
  forRows: 1,
  quietMs: undefined,
} as const;

function held({ forS, forRows }: { readonly forS: number; readonly forRows: number }) {
  return { forMs: forS * 1_000, forRows };
}

/** A channel's number, if it is one of now: neither fault nor stale. */
export function numberOf(channels: readonly Channel[], name: string): Gauge['measure'] | undefined {
  const at = channels.findIndex((channel) => channel.name === name);
  return at < 0 ? undefined : (row) => numberAt(row, at);
}

function numberAt({ values, quality }: Reading, at: number): number | null {
  const value = values[at] ?? null;
  return value === null || !Number.isFinite(value) || 'tf'.includes(quality?.[at] ?? 'g') ? null : value;
}

function geofence(
  condition: Extract<Condition, { kind: 'geofence' }>,
  channels: readonly Channel[],
): Gauge | undefined {
  const find = (quantity: string) => channels.findIndex((channel) => channel.quantity === quantity);
  const [latitude, longitude] = [find('latitude'), find('longitude')];
  if (latitude < 0 || longitude < 0) return undefined;
  const measure = (row: Reading) => {
    const at = [numberAt(row, latitude), numberAt(row, longitude)] as const;
    return at[0] === null || at[1] === null ? null : outsideM(condition.fence, [at[0], at[1]]);
  };
  const direction = condition.when === 'outside' ? 1 : -1;
  return { ...STATE, ...held(condition), measure, direction, limit: 0, hysteresis: condition.hysteresisM };
}

function shock(
  condition: Extract<Condition, { kind: 'shock' }>,
  channels: readonly Channel[],
): Gauge | undefined {
  const parts = condition.channels.map((name) => numberOf(channels, name));
  if (parts.includes(undefined)) return undefined;
  const measure = (row: Reading) => {
    const values = parts.map((part) => part!(row));
    return values.includes(null) ? null : Math.hypot(...(values as number[]));
  };
  return { ...STATE, measure, limit: condition.above, quietMs: condition.quietS * 1_000 };
}

function sos(
  { channel, labels, quietS }: Extract<Condition, { kind: 'sos' }>,
  channels: readonly Channel[],
): Gauge | undefined {
  const gauge = { ...STATE, limit: 0, quietMs: quietS * 1_000 };
  if (!channel) return { ...gauge, measure: () => 1 };
  const at = channels.findIndex(({ name }) => name === channel);
  if (at < 0) return undefined;
  const { type } = channels[at]!;
  const measure = (row: Reading) => {
    const value = numberAt(row, at);
    const label = type.kind === 'enum' && value !== null ? type.labels[value] : row.texts?.[at];
    if (!labels) return value;
    return label !== undefined && label !== null && labels.includes(label) ? 1 : 0;
  };
  return { ...gauge, measure };
}
