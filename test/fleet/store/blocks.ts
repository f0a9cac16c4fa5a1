import type { IncomingBlock } from '../../../fleet/store/index.js';
import { type ColumnType, native } from '../../../native/index.js';
import {
  decodeMeta,
  encodeMeta,
  LOG_LEVELS,
  type LogClass,
  type LogLevel,
  type MetaRecord,
} from '../../../wire/index.js';

export const NODE = '0123456789abcdef';
export const EPOCH = 'fedcba9876543210';
export const S = 1_000_000_000n;
/** 2026-01-01T00:00:00Z */
export const T0 = 1_767_225_600n * S;
export const T0_MS = 1_767_225_600_000;

export interface BlockOf {
  readonly node?: string;
  readonly epoch?: string;
  readonly stream?: string;
  readonly logClass?: LogClass;
  readonly first?: number;
  readonly boot?: number;
  /** Of row 0, s since boot; the others follow each second. */
  readonly atS?: number;
  /** Instead of `atS`. */
  readonly atNs?: bigint;
  readonly version?: number;
  readonly quality?: readonly number[];
}

/** A block of rows of f64 channels, as ingest hands it over. */
export function block(rows: readonly (readonly number[])[], of: BlockOf = {}): IncomingBlock {
  const columns: ColumnType[] = rows[0]!.map(() => ({ kind: 'f64' }));
  return blockOf(columns, rows.flat(), undefined, rows.length, of);
}

/** Lines of a node's own log: level as in its labels, module, text. */
export function logBlock(
  lines: readonly (readonly [LogLevel, string, string])[],
  of: BlockOf = {},
): IncomingBlock {
  const columns: ColumnType[] = [{ kind: 'enum' }, { kind: 'utf8' }, { kind: 'utf8' }];
  const values = lines.flatMap(([level]) => [LOG_LEVELS.indexOf(level), Number.NaN, Number.NaN]);
  const texts = lines.flatMap(([, module, text]) => [undefined, module, text]);
  return blockOf(columns, values, texts, lines.length, { stream: 'log', logClass: 'log', ...of });
}

export function meta(records: readonly (MetaRecord | Uint8Array)[], of: BlockOf = {}): IncomingBlock {
  const texts = records.map((one) => (one instanceof Uint8Array ? one : encodeMeta(one)));
  const made = blockOf(
    [{ kind: 'bytes' }],
    texts.map(() => Number.NaN),
    texts,
    records.length,
    {
      ...{ stream: 'meta', logClass: 'meta' },
      ...of,
    },
  );
  const known = records.filter((one) => !(one instanceof Uint8Array)) as MetaRecord[];
  const unread = records.filter((one) => one instanceof Uint8Array);
  return { ...made, meta: { records: known.map((one) => decodeMeta(encodeMeta(one))), unread } };
}

function blockOf(
  columns: readonly ColumnType[],
  values: readonly number[],
  texts: readonly (string | Uint8Array | undefined)[] | undefined,
  count: number,
  { node = NODE, epoch = EPOCH, stream = 'climate', first = 0, boot = 1, atS = 10, ...more }: BlockOf,
): IncomingBlock {
  const { version = 1, logClass = 'telemetry', quality, atNs = BigInt(atS) * S } = more;
  const bytes = native.encodeBlock(
    { node, epoch, stream, first, boot, descriptorVersion: version },
    [...columns],
    {
      timesNs: BigInt64Array.from({ length: count }, (_, i) => atNs + BigInt(i) * S),
      values: Float64Array.from(values),
      quality: Uint8Array.from(values, (_, i) => quality?.[i] ?? 0),
      ...(texts ? { texts } : {}),
    },
  );
  const { header, columns: decoded, ...rows } = native.decodeBlock(bytes);
  return { kind: 'block', header, logClass, columns: decoded, rows, bytes };
}

export function anchor(monotonicS: number, wallNs: bigint, uncertaintyMs = 1, boot = 1): MetaRecord {
  const value = {
    ...{ boot, monotonicNs: BigInt(monotonicS) * S, wallNs },
    uncertaintyNs: BigInt(uncertaintyMs) * 1_000_000n,
  };
  return { kind: 'anchor', value: { ...value, source: 'gnss' } };
}
