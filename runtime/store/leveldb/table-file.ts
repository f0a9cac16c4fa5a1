import type { Crc32c } from '../bytes.js';
import { Cursor, type Entry, masked } from './bytes.js';

// doc/table_format.md
const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Compression (0: none, as the store opens LevelDB) and CRC. */
const TRAILER_BYTES = 5;

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** The data blocks of a table that are whole, in order. `onDamage` hears of each one that isn't, or that nothing can be found. */
export function* tableBlocks(
  file: Uint8Array,
  crc32c: Crc32c,
  onDamage: (what: string) => void,
): Generator<Uint8Array> {
  const index = indexOf(file, crc32c);
  if (!index) {
    onDamage('its index');
    return;
  }
  for (const handle of index) {
    const block = blockAt(file, handle, crc32c);
    if (block) yield block;
    else onDamage(`${handle.size} bytes at ${handle.offset}`);
  }
}

/** Entries of a whole block; internal keys end in type and sequence (db/dbformat.h). RangeError where it isn't one. */
export function* blockEntries(block: Uint8Array): Generator<Entry> {
  for (const [key, value] of pairs(block)) {
    const cursor = new Cursor(key, key.length - 8);
    const tag = cursor.u64();
    const isPut = (tag & 0xffn) === 1n;
    yield { key: key.subarray(0, key.length - 8), sequence: tag >> 8n, value: isPut ? value : undefined };
  }
}

function indexOf(file: Uint8Array, crc32c: Crc32c): readonly Handle[] | undefined {
  if (file.length < FOOTER_BYTES) return undefined;
  try {
    const footer = new Cursor(file.subarray(file.length - FOOTER_BYTES));
    handleOf(footer);
    const at = handleOf(footer);
    footer.at = FOOTER_BYTES - 8;
    const block = footer.u64() === MAGIC ? blockAt(file, at, crc32c) : undefined;
    return block && [...pairs(block)].map(([, value]) => handleOf(new Cursor(value)));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function handleOf(cursor: Cursor): Handle {
  return { offset: cursor.varint(), size: cursor.varint() };
}

function blockAt(file: Uint8Array, { offset, size }: Handle, crc32c: Crc32c): Uint8Array | undefined {
  const end = offset + size + TRAILER_BYTES;
  if (end > file.length) return undefined;
  const crc = new Cursor(file, end - 4).u32();
  const isWhole = file[end - TRAILER_BYTES] === 0 && masked(crc32c(file.subarray(offset, end - 4))) === crc;
  return isWhole ? file.subarray(offset, offset + size) : undefined;
}

/** Keys share their beginnings with the one before; the restart points at the end are for seeking. */
function* pairs(block: Uint8Array): Generator<readonly [key: Uint8Array, value: Uint8Array]> {
  const restarts = new Cursor(block, block.length - 4).u32();
  const cursor = new Cursor(block.subarray(0, Math.max(0, block.length - 4 - 4 * restarts)));
  let key = new Uint8Array();
  while (!cursor.isAtEnd) {
    const [shared, rest, length] = [cursor.varint(), cursor.varint(), cursor.varint()];
    const whole = new Uint8Array(shared + rest);
    whole.set(key.subarray(0, shared));
    whole.set(cursor.take(rest), shared);
    key = whole;
    yield [key, cursor.take(length)];
  }
}
