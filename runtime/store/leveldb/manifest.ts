import { join } from 'node:path/posix';
import type { Crc32c } from '../bytes.js';
import type { StoreFiles } from '../options.js';
import { Cursor } from './bytes.js';
import { logRecords } from './log-file.js';

/** Sizes of the tables that make up the database, by number; a text where that can't be told. */
export async function liveTables(
  path: string,
  files: Pick<StoreFiles, 'read'>,
  crc32c: Crc32c,
): Promise<ReadonlyMap<number, number> | string> {
  const current = await files.read(join(path, 'CURRENT'));
  const name = current ? new TextDecoder().decode(current).trim() : 'CURRENT';
  const manifest = /^MANIFEST-\d+$/.test(name) ? await files.read(join(path, name)) : undefined;
  if (!manifest) return `${name} is missing`;
  const tables = new Map<number, number>();
  let isDamaged = false;
  try {
    for (const record of logRecords(manifest, crc32c, () => {
      isDamaged = true;
    }))
      apply(new Cursor(record), tables);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    isDamaged = true;
  }
  return isDamaged ? `${name} is damaged` : tables;
}

// Tags of db/version_edit.cc.
const [COMPARATOR, LOG, NEXT, LAST_SEQUENCE, POINTER, DELETED, NEW, PREVIOUS_LOG] = [1, 2, 3, 4, 5, 6, 7, 9];

function apply(edit: Cursor, tables: Map<number, number>): void {
  while (!edit.isAtEnd) {
    const tag = edit.varint();
    if (tag === COMPARATOR) edit.slice();
    else if (tag === LOG || tag === NEXT || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG) edit.varint();
    else if (tag === POINTER) {
      edit.varint();
      edit.slice();
    } else if (tag === DELETED) {
      edit.varint();
      tables.delete(edit.varint());
    } else if (tag === NEW) {
      edit.varint();
      tables.set(edit.varint(), edit.varint());
      edit.slice();
      edit.slice();
    } else throw new RangeError(`tag ${tag}`);
  }
}
