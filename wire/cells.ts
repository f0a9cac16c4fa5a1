import { type Channel, QUALITY, QUANTITY_UNITS, type Rows } from '../drivers/contract/index.js';

/** One value of one row as people and tools read it. */
export interface Cell {
  /** The channel's name; `column3` where no descriptor is known. */
  readonly channel: string;
  /** An enum's label, bytes as hex; `null` on fault. */
  readonly value: number | string | null;
  readonly unit: string;
  readonly quality: keyof typeof QUALITY;
}

const QUALITY_NAMES = Object.keys(QUALITY) as (keyof typeof QUALITY)[];

/** The cells of one row. `columns`: how many there are; `channels`: what they mean, where that is known. */
export function rowCells(
  rows: Pick<Rows, 'values' | 'quality' | 'texts'>,
  row: number,
  columns: number,
  channels: readonly Channel[] | undefined,
): readonly Cell[] {
  return Array.from({ length: columns }, (_, column) => {
    const at = row * columns + column;
    const channel = channels?.[column];
    return {
      channel: channel?.name ?? `column${column}`,
      value: shownValue(rows, at, channel),
      unit: channel ? QUANTITY_UNITS[channel.quantity] : '',
      quality: QUALITY_NAMES[rows.quality[at]!] ?? 'fault',
    };
  });
}

function shownValue(
  rows: Pick<Rows, 'values' | 'quality' | 'texts'>,
  at: number,
  channel: Channel | undefined,
) {
  if (rows.quality[at] === QUALITY.fault) return null;
  const text = rows.texts?.[at];
  if (text instanceof Uint8Array) return Buffer.from(text).toString('hex');
  if (text !== undefined) return text;
  const value = rows.values[at]!;
  if (channel?.type.kind === 'enum') return channel.type.labels[value] ?? value;
  return Number.isNaN(value) ? null : value;
}
