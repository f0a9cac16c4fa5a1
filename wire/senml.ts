import { type Channel, QUALITY, QUANTITY_UNITS, type Rows } from '../drivers/contract/index.js';
import type { Descriptor } from './records.js';

/** A SenML record in JSON (RFC 8428 §4, §5): only the labels that Cairn uses. */
export interface SenmlRecord {
  bn?: string;
  bt?: number;
  bu?: string;
  bver?: number;
  n: string;
  u?: string;
  v?: number;
  vs?: string;
  /** base64url without padding. */
  vd?: string;
  t?: number;
}

/** What is known of a block's times when its pack is made. */
export type SenmlTime =
  /** An anchored boot: the wall time of a row, ns since 1970. */
  | { readonly kind: 'absolute'; wallNs(timeNs: bigint): bigint }
  /** The running boot without an anchor: times relative to now, which is this moment of the same clock. */
  | { readonly kind: 'relative'; readonly nowNs: bigint };

/** A sum of base time and time below this is relative to now (RFC 8428 §4.5.3). */
const RELATIVE_BELOW_S = 2n ** 28n;
const NS = 1_000_000_000n;
/** Units of QUANTITY_UNITS that are in the registry of secondary units (RFC 8798 §3), which version 10 (RFC 8428) doesn't allow. */
const SECONDARY_UNITS: ReadonlySet<string> = new Set(['/100', 'dBm']);
/** 10, and the feature that allows them: 2^4 (RFC 9100 §4). */
const VERSION_WITH_SECONDARY_UNITS = 26;

/**
 * One pack of a block's rows, JSON values as `JSON.stringify` takes them. Faults, NaN and infinities are left out; what is left may be
 * nothing. `undefined`: times that SenML can't tell without being read as something else; the rows are to be held, never sent as now.
 */
export function senmlPack(
  node: string,
  descriptor: Pick<Descriptor, 'stream' | 'channels'>,
  rows: Omit<Rows, 'stream'>,
  time: SenmlTime,
): readonly SenmlRecord[] | undefined {
  const times = packTimes(rows.timesNs, time);
  if (!times) return undefined;
  const { channels, stream } = descriptor;
  const common = commonUnit(channels);
  const records: SenmlRecord[] = [];
  rows.timesNs.forEach((_, row) => {
    channels.forEach((channel, column) => {
      const record = measure(channel, rows, row * channels.length + column);
      if (!record) return;
      const unit = senmlUnit(channel);
      if (unit && !common) record.u = unit;
      const seconds = times.seconds[row]!;
      if (times.base === undefined || seconds !== 0) record.t = seconds;
      records.push(record);
    });
  });
  return withBase(records, {
    bn: `${node}/${stream}/`,
    ...(times.base === undefined ? {} : { bt: times.base }),
    ...(common ? { bu: common } : {}),
    ...versionOf(channels),
  });
}

/** The unit in the registry: percent is RFC 8798's `/100`, as RFC 8428 advises against producing `%`. */
export function senmlUnit(channel: Channel): string {
  const unit = QUANTITY_UNITS[channel.quantity];
  return unit === '%' ? '/100' : unit;
}

function withBase(
  records: SenmlRecord[],
  base: Pick<SenmlRecord, 'bn' | 'bt' | 'bu' | 'bver'>,
): SenmlRecord[] {
  const first = records[0];
  if (first) records[0] = { ...base, ...first };
  return records;
}

/** A reader that knows version 10 only must refuse such a pack, rather than take a percent for a ratio. */
function versionOf(channels: readonly Channel[]): Pick<SenmlRecord, 'bver'> {
  const isSecondary = channels.some((channel) => SECONDARY_UNITS.has(senmlUnit(channel)));
  return isSecondary ? { bver: VERSION_WITH_SECONDARY_UNITS } : {};
}

interface PackTimes {
  /** Whole seconds, `undefined` where times are relative to now. */
  readonly base: number | undefined;
  readonly seconds: readonly number[];
}

function packTimes(timesNs: BigInt64Array, time: SenmlTime): PackTimes | undefined {
  if (time.kind === 'relative') {
    const ages = Array.from(timesNs, (timeNs) => timeNs - time.nowNs);
    // A positive time would be a prediction; a row can only be as new as now.
    return { base: undefined, seconds: ages.map((age) => inSeconds(age < 0n ? age : 0n)) };
  }
  const walls = Array.from(timesNs, (timeNs) => time.wallNs(timeNs));
  const base = (walls[0] ?? 0n) / NS;
  if (walls.some((wall) => wall / NS < RELATIVE_BELOW_S)) return undefined;
  return { base: Number(base), seconds: walls.map((wall) => inSeconds(wall - base * NS)) };
}

function inSeconds(ns: bigint): number {
  return Number(ns) / 1e9;
}

/** The unit that every channel with a number has; channels without one must not inherit any. */
function commonUnit(channels: readonly Channel[]): string | undefined {
  const units = new Set(channels.map(senmlUnit));
  const [unit] = units;
  return units.size === 1 && unit ? unit : undefined;
}

function measure(channel: Channel, rows: Omit<Rows, 'stream'>, cell: number): SenmlRecord | undefined {
  if (rows.quality[cell] === QUALITY.fault) return undefined;
  const n = channel.name;
  const text = rows.texts?.[cell];
  if (typeof text === 'string') return { n, vs: text };
  if (text) return { n, vd: Buffer.from(text).toString('base64url') };
  const v = rows.values[cell];
  if (v === undefined || !Number.isFinite(v)) return undefined;
  const label = channel.type.kind === 'enum' ? channel.type.labels[v] : undefined;
  return label === undefined ? { n, v } : { n, vs: label };
}
