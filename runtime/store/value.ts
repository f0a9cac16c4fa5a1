import type { NativeApi } from '../../native/api.js';
import { ByteReader, ByteWriter, type Crc32c, checkedCrc, withCrc } from './bytes.js';
import type { StreamId } from './keys.js';

/**
 * What one commit wrote for one class: its blocks back to back, then a footer that says whose rows they are, so that a damaged block's
 * numbers are known and the blocks behind it are found.
 */
export interface ValueEntry {
  readonly stream: StreamId;
  readonly first: number;
  readonly count: number;
  /** Of the block in the value. */
  readonly offset: number;
  readonly length: number;
}

export interface NewBlock {
  readonly stream: StreamId;
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

const ENTRY_BYTES = 18;
/** Number of entries, and the CRC-32C of entries and number. */
const TAIL_BYTES = 2 + 4;
/** More would not fit the number of entries. */
export const MAX_BLOCKS_PER_VALUE = 4096;

export function encodeValue(blocks: readonly NewBlock[], crc32c: Crc32c): Uint8Array {
  const footer = new ByteWriter();
  for (const { stream, first, count, bytes } of blocks) {
    footer.u16(stream.epoch).u16(stream.id).u53(first).u16(count).u32(bytes.length);
  }
  const sealed = withCrc(footer.u16(blocks.length).bytes(), crc32c);
  const writer = new ByteWriter();
  for (const { bytes } of blocks) writer.raw(bytes);
  return writer.raw(sealed).bytes();
}

/** The length of that value. */
export function valueBytes(blocks: readonly { readonly bytes: Uint8Array }[]): number {
  return blocks.reduce((sum, { bytes }) => sum + bytes.length + ENTRY_BYTES, TAIL_BYTES);
}

/** Entries in the order of the blocks; `undefined` where the footer is damaged. */
export function readFooter(value: Uint8Array, crc32c: Crc32c): readonly ValueEntry[] | undefined {
  if (value.length < TAIL_BYTES) return undefined;
  const count = new ByteReader(value.subarray(value.length - TAIL_BYTES)).u16();
  const length = count * ENTRY_BYTES + TAIL_BYTES;
  if (length > value.length) return undefined;
  const checked = checkedCrc(value.subarray(value.length - length), crc32c);
  return checked && readEntries(new ByteReader(checked), count);
}

function readEntries(reader: ByteReader, count: number): readonly ValueEntry[] {
  const entries: ValueEntry[] = [];
  let offset = 0;
  for (let i = 0; i < count; i += 1) {
    const stream = { epoch: reader.u16(), id: reader.u16() };
    const entry = { stream, first: reader.u53(), count: reader.u16(), offset, length: reader.u32() };
    entries.push(entry);
    offset += entry.length;
  }
  return entries;
}

/**
 * Entries of a value whose footer is damaged, from the blocks' own headers, as far as they can be walked. `streamOf` finds a stream by
 * epoch and name; a block of an unknown one ends the walk.
 */
export function walkBlocks(
  value: Uint8Array,
  native: Pick<NativeApi, 'decodeHeader'>,
  streamOf: (epoch: string, name: string) => StreamId | undefined,
): readonly ValueEntry[] {
  const entries: ValueEntry[] = [];
  for (let offset = 0; offset < value.length; offset += entries.at(-1)!.length) {
    const header = tryHeader(value, offset, native);
    const stream = header && streamOf(header.epoch, header.stream);
    if (!header || !stream) break;
    entries.push({ stream, first: header.first, count: header.count, offset, length: header.byteLength });
  }
  return entries;
}

/** A block's header, or `undefined` where the block is damaged: the only thing that decodeHeader throws for. */
export function tryHeader(value: Uint8Array, offset: number, native: Pick<NativeApi, 'decodeHeader'>) {
  try {
    return native.decodeHeader(value, offset);
  } catch {
    return undefined;
  }
}
