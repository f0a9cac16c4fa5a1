import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * QEMU's `blklogwrites` filter writes what Linux's dm-log-writes does (Documentation/admin-guide/device-mapper/log-writes.rst and
 * struct log_write_super, log_write_entry in drivers/md/dm-log-writes.c): a superblock in the first sector, then entries, each a
 * sector that says what it is and the bytes that were written. All numbers are little-endian.
 */
export const SECTOR_BYTES = 512;
const MAGIC = 0x6a736677736872n;
const VERSION = 1n;
const FLUSH = 1n;
const FUA = 2n;
const DISCARD = 4n;
const MARK = 8n;
/** A log is read whole; a run of the rig writes a few MiB. */
const MAX_LOG_BYTES = 2 ** 30;

export interface LogEntry {
  readonly kind: 'write' | 'flush' | 'discard' | 'mark';
  /** The write was on the medium when it was answered. */
  readonly fua: boolean;
  /** The device's cache was emptied first: what was written before is on the medium. */
  readonly flush: boolean;
  /** First sector and how many, of 512 bytes. */
  readonly sector: number;
  readonly sectors: number;
  /** Of a write: what was written. */
  readonly data: Uint8Array;
  /** Where in the log the entry ends. */
  readonly endBytes: number;
}

export interface WriteLog {
  readonly entries: readonly LogEntry[];
  /** Bytes behind the last whole entry: of one that was cut short. */
  readonly restBytes: number;
}

/** Reads a log file, one that is being written too. Error where it is none. */
export function readWriteLog(path: string): WriteLog {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > MAX_LOG_BYTES) throw new Error(`${path}: ${size} bytes, at most ${MAX_LOG_BYTES}`);
    const bytes = new Uint8Array(size);
    let length = 0;
    for (let got = -1; got !== 0 && length < size; length += got)
      got = readSync(file, bytes, length, size, null);
    return parseWriteLog(bytes.subarray(0, length), path);
  } finally {
    closeSync(file);
  }
}

/** The superblock's count of entries is as old as the last flush: entries are read up to the first that isn't whole. */
export function parseWriteLog(bytes: Uint8Array, where = 'write log'): WriteLog {
  if (bytes.length === 0) return { entries: [], restBytes: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkSuperblock(view, where);
  const entries: LogEntry[] = [];
  let at = SECTOR_BYTES;
  for (;;) {
    const entry = entryAt(view, bytes, at);
    if (!entry) return { entries, restBytes: bytes.length - at };
    entries.push(entry);
    at = entry.endBytes;
  }
}

function checkSuperblock(view: DataView, where: string): void {
  const isWhole = view.byteLength >= SECTOR_BYTES;
  if (!isWhole || view.getBigUint64(0, true) !== MAGIC || view.getBigUint64(8, true) !== VERSION)
    throw new Error(`${where}: no write log of version ${VERSION}`);
  const sectorBytes = view.getUint32(24, true);
  if (sectorBytes !== SECTOR_BYTES)
    throw new Error(`${where}: sectors of ${sectorBytes} bytes; give QEMU log-sector-size=${SECTOR_BYTES}`);
}

function entryAt(view: DataView, bytes: Uint8Array, at: number): LogEntry | undefined {
  if (at + SECTOR_BYTES > bytes.length) return undefined;
  const sector = Number(view.getBigUint64(at, true));
  const count = Number(view.getBigUint64(at + 8, true));
  const flags = view.getBigUint64(at + 16, true);
  const markBytes = Number(view.getBigUint64(at + 24, true));
  if (sector === 0 && count === 0 && flags === 0n) return undefined; // a hole: its entry was never written
  const kind = kindOf(flags, count);
  const dataBytes = dataBytesOf(kind, count, markBytes);
  const dataAt = at + SECTOR_BYTES;
  if (dataAt + dataBytes > bytes.length) return undefined;
  return {
    kind,
    fua: (flags & FUA) !== 0n,
    flush: (flags & FLUSH) !== 0n,
    sector,
    sectors: kind === 'write' || kind === 'discard' ? count : 0,
    data: kind === 'write' ? bytes.subarray(dataAt, dataAt + dataBytes) : new Uint8Array(0),
    endBytes: dataAt + dataBytes,
  };
}

function kindOf(flags: bigint, count: number): LogEntry['kind'] {
  if (flags & MARK) return 'mark';
  if (flags & DISCARD) return 'discard';
  return count === 0 ? 'flush' : 'write';
}

/** A discard has a count and no bytes; a mark's bytes are padded to sectors. */
function dataBytesOf(kind: LogEntry['kind'], count: number, markBytes: number): number {
  if (kind === 'write') return count * SECTOR_BYTES;
  return kind === 'mark' ? Math.ceil(markBytes / SECTOR_BYTES) * SECTOR_BYTES : 0;
}
