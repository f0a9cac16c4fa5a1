import { QUALITY, type QualityCode } from './quantity.js';

/**
 * Rows of one stream, oldest first, in the order of the stream's channels. The whole pipe passes these.
 * Arrays belong to the receiver of the rows: a producer never writes to them again.
 */
export interface Rows {
  /** Which of the part's streams: the name in its StreamDeclaration. */
  readonly stream: string;
  /** CLOCK_BOOTTIME in ns, one a row, not decreasing. */
  readonly timesNs: BigInt64Array;
  /** rows × channels, row by row, in the channel's unit. NaN where quality is `fault`, and for utf8 and bytes channels. */
  readonly values: Float64Array;
  /** rows × channels, row by row: a QualityCode each. */
  readonly quality: Uint8Array;
  /** For streams with utf8 or bytes channels: rows × channels, row by row, `undefined` for channels of other types or on fault. */
  readonly texts?: readonly (string | Uint8Array | undefined)[];
}

export type Value = number | string | Uint8Array | undefined;

/** One row from one value a channel; `undefined` and NaN become `fault`. */
export function oneRow(
  stream: string,
  timeNs: bigint,
  row: readonly Value[],
  quality: QualityCode = QUALITY.good,
): Rows {
  const values = new Float64Array(row.length).fill(Number.NaN);
  const codes = new Uint8Array(row.length).fill(quality);
  let texts: (string | Uint8Array | undefined)[] | undefined;
  for (const [i, value] of row.entries()) {
    if (typeof value === 'number' && !Number.isNaN(value)) values[i] = value;
    else if (typeof value === 'string' || value instanceof Uint8Array) {
      texts ??= new Array<string | Uint8Array | undefined>(row.length).fill(undefined);
      texts[i] = value;
    } else codes[i] = QUALITY.fault;
  }
  const rows = { stream, timesNs: BigInt64Array.of(timeNs), values, quality: codes };
  return texts ? { ...rows, texts } : rows;
}

/** How many rows there are. */
export function rowCount(rows: Rows): number {
  return rows.timesNs.length;
}
