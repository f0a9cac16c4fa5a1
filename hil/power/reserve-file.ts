import { readFileSync } from 'node:fs';

/**
 * A second reader of a store's reserve file, after docs/store.md and not by the store's own code: the newest whole slot's limits, by
 * `epoch stream`. Numbers at or past a limit were never given. None where the file is absent or no slot is whole.
 */
export function reservedLimits(
  path: string,
  crc32c: (bytes: Uint8Array) => number,
): ReadonlyMap<string, number> {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  const slots = [slotAt(file, 0, crc32c), slotAt(file, SLOT_BYTES, crc32c)].filter(
    (slot) => slot !== undefined,
  );
  const newest = slots.sort((a, b) => Number(b.generation - a.generation))[0];
  return newest?.limits ?? new Map();
}

const SLOT_BYTES = 16384;
const MAGIC = 'CRV1';
/** Magic u32, format u16, length u32. */
const HEAD_BYTES = 10;

interface Slot {
  readonly generation: bigint;
  readonly limits: ReadonlyMap<string, number>;
}

function slotAt(file: Buffer, at: number, crc32c: (bytes: Uint8Array) => number): Slot | undefined {
  const slot = file.subarray(at, at + SLOT_BYTES);
  if (slot.length < HEAD_BYTES || slot.toString('latin1', 0, 4) !== MAGIC) return undefined;
  const end = HEAD_BYTES + slot.readUInt32LE(6);
  if (end + 4 > slot.length || slot.readUInt32LE(end) !== crc32c(slot.subarray(0, end))) return undefined;
  let cursor = HEAD_BYTES;
  const step = (bytes: number): number => {
    cursor += bytes;
    return cursor - bytes;
  };
  const text = (): string => {
    const length = slot.readUInt8(step(1));
    return slot.toString('utf8', step(length), cursor);
  };
  const generation = slot.readBigUInt64LE(step(8));
  const epoch = text();
  step(1); // clean
  const limits = new Map<string, number>();
  for (let left = slot.readUInt16LE(step(2)); left > 0; left -= 1) {
    const stream = text();
    step(3); // class, version
    limits.set(`${epoch} ${stream}`, Number(slot.readBigUInt64LE(step(8))));
  }
  return { generation, limits };
}
