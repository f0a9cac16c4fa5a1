import type { ColumnType, NativeRows } from '../../native/index.js';
import type { Range } from '../ranges.js';
import { clean } from './given.js';
import type { RowTimes } from './row-times.js';
import type { IncomingBlock, IncomingPack, Reading } from './types.js';

const LETTERS = 'gstf';

/** Rows with numbers that weren't had, as they will stand. */
export interface NewRows {
  readonly first: number;
  readonly readings: readonly Reading[];
  readonly monoNs: readonly bigint[];
  readonly boot: number;
  readonly version: number;
  readonly crc: number;
  /** The greatest of the rows; undefined: their times aren't known. */
  readonly uncertaintyNs: bigint | undefined;
}

/** The rows of a block with numbers in `piece`. Either all have a time, or none. */
export function rowsOfBlock(block: IncomingBlock, piece: Range, times: RowTimes, nowMs: number): NewRows {
  const { header, rows, columns } = block;
  const from = piece.first - header.first;
  const indexes = Array.from({ length: piece.last - piece.first + 1 }, (_, i) => from + i);
  const monoNs = indexes.map((row) => rows.timesNs[row]!);
  const walls = monoNs.map((ns) => times.at(header.boot, ns, nowMs));
  const isTimed = walls.every((wall) => wall !== undefined);
  const uncertaintyNs = isTimed
    ? walls.reduce((most, wall) => (wall!.uncertaintyNs > most ? wall!.uncertaintyNs : most), 0n)
    : undefined;
  const hasText = columns.some(({ kind }) => kind === 'utf8' || kind === 'bytes');
  const readings = indexes.map((row, i) =>
    readingOf(rows, row, columns.length, hasText, {
      sequence: BigInt(header.first + row),
      wallNs: isTimed ? walls[i]!.wallNs : undefined,
    }),
  );
  const { boot, descriptorVersion: version, crc } = header;
  return { first: piece.first, readings, monoNs, boot, version, crc, uncertaintyNs };
}

function readingOf(
  rows: NativeRows,
  row: number,
  width: number,
  hasText: boolean,
  { sequence, wallNs }: Pick<Reading, 'sequence' | 'wallNs'>,
): Reading {
  const at = row * width;
  const values: (number | null)[] = [];
  for (let i = at; i < at + width; i++) values.push(Number.isFinite(rows.values[i]) ? rows.values[i]! : null);
  const reading: { -readonly [key in keyof Reading]: Reading[key] } = { sequence, wallNs, values };
  const quality = qualityOf(rows.quality.subarray(at, at + width));
  if (hasText) reading.texts = Array.from({ length: width }, (_, i) => textOf(rows.texts?.[at + i]));
  if (quality !== undefined) reading.quality = quality;
  return reading;
}

function qualityOf(codes: Uint8Array): string | undefined {
  if (codes.every((code) => code === 0)) return undefined;
  return Array.from(codes, (code) => LETTERS[code] ?? 'f').join('');
}

function textOf(value: string | Uint8Array | undefined): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? clean(value) : Buffer.from(value).toString('base64');
}

export interface PackDescriptor {
  readonly version: number;
  /** Channels; a pack may have fewer. */
  readonly width: number;
}

/** Of a pack: numbers from `first` on, times as its sender says them where they can be believed. */
export function rowsOfPack(
  pack: IncomingPack,
  first: number,
  { version, width }: PackDescriptor,
  isBelievable: (wallNs: bigint) => boolean,
): NewRows {
  const had = pack.channels.length;
  const isTimed = pack.wallNs.every(isBelievable);
  const readings = pack.wallNs.map((wallNs, row): Reading => {
    const values = Array.from({ length: width }, (_, at) => {
      const value = at < had ? pack.values[row * had + at]! : Number.NaN;
      return Number.isFinite(value) ? value : null;
    });
    const texts = Array.from({ length: width }, (_, at) =>
      at < had ? textOf(pack.texts?.[row * had + at]) : null,
    );
    return {
      sequence: BigInt(first + row),
      wallNs: isTimed ? wallNs : undefined,
      values,
      ...(pack.texts ? { texts } : {}),
    };
  });
  return {
    ...{ first, readings, version, boot: 0, crc: 0 },
    monoNs: pack.wallNs.map((ns) => BigInt.asIntN(64, ns)),
    uncertaintyNs: undefined,
  };
}

/** As the runtime's `log` stream has them: level, module, text. */
export function isLogShape(kinds: readonly ColumnType['kind'][]): boolean {
  return kinds.join() === 'enum,utf8,utf8';
}
