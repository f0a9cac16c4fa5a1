import type { Crc32c } from '../bytes.js';
import { Cursor, type Entry, masked } from './bytes.js';

// doc/log_format.md
const BLOCK_BYTES = 32768;
const HEADER_BYTES = 7;
/** db/dbformat.h: a sequence shares 64 bits with a type. */
const MAX_SEQUENCE = 2n ** 56n - 1n;
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4];

/** The whole records of a log (a MANIFEST is one too). `onDamage` hears of each place where one isn't. */
export function* logRecords(file: Uint8Array, crc32c: Crc32c, onDamage: () => void): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  // What came before the damage is no record with what comes after it (db/log_reader.cc drops it, too).
  const damaged = (): void => {
    parts = [];
    onDamage();
  };
  for (let block = 0; block < file.length; block += BLOCK_BYTES) {
    const bytes = file.subarray(block, block + BLOCK_BYTES);
    for (const { type, payload } of fragments(bytes, crc32c, damaged)) {
      if (type === FULL) yield payload;
      if (type === FIRST) parts = [payload];
      else if (parts.length > 0 && (type === MIDDLE || type === LAST)) parts.push(payload);
      if (type === LAST && parts.length > 1) yield Buffer.concat(parts);
      if (type !== FIRST && type !== MIDDLE) parts = [];
    }
  }
}

function* fragments(block: Uint8Array, crc32c: Crc32c, onDamage: () => void) {
  for (let at = 0; at + HEADER_BYTES <= block.length; ) {
    const head = new Cursor(block, at);
    const crc = head.u32();
    const length = head.u8() + 256 * head.u8();
    const type = head.u8();
    // The rest of a block that was made ready but not written.
    if (type === 0 && length === 0 && crc === 0) return;
    const end = at + HEADER_BYTES + length;
    if (end > block.length || masked(crc32c(block.subarray(at + 6, end))) !== crc) {
      onDamage();
      return;
    }
    yield { type, payload: block.subarray(at + HEADER_BYTES, end) };
    at = end;
  }
}

/** db/write_batch.cc: sequence u64, count u32, then puts and deletions, which count the sequence up. RangeError where it isn't one. */
export function* batchEntries(record: Uint8Array): Generator<Entry> {
  const cursor = new Cursor(record);
  let sequence = cursor.u64();
  const count = cursor.u32();
  if (sequence + BigInt(count) > MAX_SEQUENCE) throw new RangeError(`sequence ${sequence}`);
  for (let i = 0; i < count; i += 1, sequence += 1n) {
    const type = cursor.u8();
    if (type > 1) throw new RangeError(`type ${type}`);
    const key = cursor.slice();
    yield { key, sequence, value: type === 1 ? cursor.slice() : undefined };
  }
  if (!cursor.isAtEnd) throw new RangeError('more than its entries');
}

/** Whether each whole record of a log is a batch: LevelDB takes that for granted, and ends the process over it. */
export function holdsBatches(file: Uint8Array, crc32c: Crc32c): boolean {
  try {
    for (const record of logRecords(file, crc32c, () => undefined)) for (const _ of batchEntries(record));
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
