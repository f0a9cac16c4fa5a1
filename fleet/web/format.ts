import type { Channel } from '../../drivers/contract/index.js';
import type { GapCause } from '../../wire/index.js';
import type { Reading } from '../store/types.js';
import { unitText } from '../words.js';
import { type Html, html } from './html.js';

const NS_PER_MS = 1_000_000n;
/** What `Date` can say. */
const MAX_MS = 8.64e15;

/** RFC 3339 with all nine digits; undefined where no calendar has it. */
export function isoOf(wallNs: bigint): string | undefined {
  const second = wallNs / 1_000_000_000n - (wallNs % 1_000_000_000n < 0n ? 1n : 0n);
  const ms = Number(second) * 1000;
  if (Math.abs(ms) > MAX_MS) return undefined;
  const rest = (wallNs - second * 1_000_000_000n).toString().padStart(9, '0');
  return `${new Date(ms).toISOString().slice(0, -5)}.${rest}Z`;
}

/** `2026-11-23 01:48:58 UTC`, as an element that says it to machines too. */
export function timeOf(wallNs: bigint | undefined): Html {
  const iso = wallNs === undefined ? undefined : isoOf(wallNs);
  if (iso === undefined) return html`<span class="quiet">time not known</span>`;
  return html`<time datetime="${iso.slice(0, 23)}Z">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

export function timeOfMs(ms: number): Html {
  return timeOf(nsOf(ms));
}

export function nsOf(ms: number): bigint {
  return BigInt(Math.round(ms)) * NS_PER_MS;
}

export function msOf(ns: bigint): number {
  return Number(ns / NS_PER_MS);
}

const SPANS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** `45 s`, `3 min`, `5 h`, `12 d`. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, ms / 1000);
  const [size, unit] = SPANS.find(([from]) => seconds >= 2 * from) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** `1,234`. */
export function countOf(count: bigint | number): string {
  return count.toLocaleString('en-US');
}

/** `1 row`, `1,234 rows`. */
export function rowsOf(count: bigint | number): string {
  return `${countOf(count)} ${Number(count) === 1 ? 'row' : 'rows'}`;
}

/** One value of a reading for people; null: there is none. */
export function textOfValue(channel: Channel, reading: Reading, column: number): string | null {
  const text = reading.texts?.[column];
  if (typeof text === 'string') return text;
  const value = reading.values[column];
  if (value === null || value === undefined) return null;
  if (channel.type.kind === 'enum') return channel.type.labels[value] ?? String(value);
  if (channel.quantity === 'memory') return bytesOf(value);
  const digits = channel.type.kind === 'decimal' ? channel.type.scale : undefined;
  const number = digits === undefined ? String(Number(value.toPrecision(9))) : value.toFixed(digits);
  const unit = unitText(channel.quantity);
  return unit ? `${number} ${unit}` : number;
}

/** `512 B`, `1.5 MiB`. */
export function bytesOf(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const digits = power === 0 ? 0 : 1;
  return `${(bytes / 1024 ** power).toFixed(digits)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

export const QUALITY_NAMES: Readonly<Record<string, string>> = {
  g: 'good',
  s: 'suspect',
  t: 'stale',
  f: 'fault',
};

export const CAUSES: Readonly<Record<GapCause, string>> = {
  quota: 'the node had no room left and gave up its oldest',
  thinned: 'left out to keep to the budget of bytes',
  rot: "damaged in the node's store",
  uncleanStop: 'not yet stored when the node stopped',
  overflow: "memory was full while the node's disk refused writes",
  rejected: 'refused for good by who should have taken them',
  epochEnd: "the node's store was lost",
};
