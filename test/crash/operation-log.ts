import { readFileSync } from 'node:fs';

/** What a call did to a file or a directory below the watched folder. Paths are relative to it. */
export type Operation = {
  readonly path: string;
  /** errno; 0: it succeeded. */
  readonly error: number;
  /** Of the file that an open descriptor or a created entry stands for. */
  readonly inode: number;
  /** Where the operation's record ends in the log, bytes: its time. */
  readonly endBytes: number;
} & (
  | { readonly kind: 'create' | 'unlink' | 'mkdir' | 'rmdir' }
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'rename'; readonly to: string }
  /** Covers what the log held when it began: its first `beganBytes`. `dataOnly`: fdatasync. */
  | { readonly kind: 'sync'; readonly dataOnly: boolean; readonly beganBytes: number }
);

/** Of `enum kind` in shim.c. */
const KINDS = [
  undefined,
  'create',
  'write',
  'sync',
  'truncate',
  'rename',
  'unlink',
  'mkdir',
  'rmdir',
] as const;
const HEAD_BYTES = 32;

/** All whole records of a log that shim.c wrote. */
export function readOperations(path: string): readonly Operation[] {
  const bytes = readFileSync(path);
  const operations: Operation[] = [];
  for (let at = 0; at + HEAD_BYTES <= bytes.length; ) {
    const end = at + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    operations.push(operationOf(bytes.subarray(at, end), end));
    at = end;
  }
  return operations;
}

function operationOf(record: Buffer, endBytes: number): Operation {
  const kind = KINDS[record.readUInt8(4)];
  if (!kind) throw new Error(`a record of kind ${record.readUInt8(4)} ends at ${endBytes}`);
  const pathEnd = HEAD_BYTES + record.readUInt16LE(6);
  const toEnd = pathEnd + record.readUInt16LE(8);
  const common = {
    path: record.toString('utf8', HEAD_BYTES, pathEnd),
    error: record.readInt32LE(12),
    inode: Number(record.readBigUInt64LE(16)),
    endBytes,
  };
  const at = Number(record.readBigUInt64LE(24));
  if (kind === 'write') return { ...common, kind, offset: at, data: record.subarray(toEnd) };
  if (kind === 'truncate') return { ...common, kind, length: at };
  if (kind === 'rename') return { ...common, kind, to: record.toString('utf8', pathEnd, toEnd) };
  if (kind === 'sync') return { ...common, kind, dataOnly: record.readUInt8(5) === 1, beganBytes: at };
  return { ...common, kind };
}
