import { join } from 'node:path/posix';
import type { Crc32c } from '../bytes.js';
import type { LevelDb, LevelOperation, StoreFiles } from '../options.js';
import type { Entry } from './bytes.js';
import { batchEntries, logRecords } from './log-file.js';
import { blockEntries, tableBlocks } from './table-file.js';

/** One synced batch of the new database, bytes. */
const BATCH_BYTES = 1024 * 1024;

export interface SalvageDeps {
  readonly files: StoreFiles;
  readonly crc32c: Crc32c;
  /** Whether a key is put once in its life: such entries aren't kept in memory. */
  isOnce(key: Uint8Array): boolean;
}

/**
 * Writes all that is whole in the files of the database at `from`, which nobody has open, into the new and empty `db`. LevelDB's own
 * repair takes blocks without looking at their CRC, ends the process over some, and afterwards may prefer an older version of a key.
 * Deletions that were compacted away can't be honoured: the caller knows what is long gone.
 */
export async function salvage(from: string, db: LevelDb, deps: SalvageDeps): Promise<void> {
  const writer = new Writer(db);
  const newest = new Map<string, Entry>();
  for (const name of (await deps.files.list(from)).filter((one) => /\.(ldb|sst|log)$/.test(one)).toSorted()) {
    for (const entry of await entriesOf(join(from, name), deps)) {
      const { value } = entry;
      const key = String.fromCharCode(...entry.key);
      if (value && deps.isOnce(entry.key)) await writer.add({ type: 'put', key: entry.key, value });
      else if ((newest.get(key)?.sequence ?? -1n) < entry.sequence) newest.set(key, copyOf(entry));
    }
  }
  for (const { key, value } of newest.values())
    await writer.add(value ? { type: 'put', key, value } : { type: 'del', key });
  await writer.flush();
}

/** Entries of the file's whole pieces; a file that can't be read has none. */
async function entriesOf(path: string, { files, crc32c }: SalvageDeps): Promise<Iterable<Entry>> {
  const file = await readable(path, files);
  if (!file) return [];
  const isLog = path.endsWith('.log');
  const pieces = isLog
    ? logRecords(file, crc32c, () => undefined)
    : tableBlocks(file, crc32c, () => undefined);
  return entriesOfPieces(pieces, isLog ? batchEntries : blockEntries);
}

function* entriesOfPieces(
  pieces: Iterable<Uint8Array>,
  read: (piece: Uint8Array) => Iterable<Entry>,
): Generator<Entry> {
  for (const piece of pieces) {
    try {
      yield* [...read(piece)];
    } catch (error) {
      // Its CRC is right and yet it is no such piece.
      if (!(error instanceof RangeError)) throw error;
    }
  }
}

async function readable(path: string, files: StoreFiles): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch {
    return undefined; // a bad sector: what lay there is lost, and the audit says which rows
  }
}

function copyOf({ key, sequence, value }: Entry): Entry {
  return { key, sequence, value: value && Uint8Array.from(value) };
}

class Writer {
  #operations: LevelOperation[] = [];
  #bytes = 0;

  constructor(readonly db: LevelDb) {}

  async add(operation: LevelOperation): Promise<void> {
    this.#operations.push(operation);
    this.#bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0);
    if (this.#bytes > BATCH_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#operations.length > 0) await this.db.batch(this.#operations);
    this.#operations = [];
    this.#bytes = 0;
  }
}
