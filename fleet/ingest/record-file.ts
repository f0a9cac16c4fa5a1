import * as fs from 'node:fs/promises';
import { native } from '../../native/index.js';
import type { Message } from './types.js';

/** What a spool needs of the disk. */
export type Disk = Pick<
  typeof fs,
  'mkdir' | 'open' | 'readFile' | 'readdir' | 'truncate' | 'unlink' | 'writeFile'
>;
export const DISK: Disk = fs;

/** Length of the body and its CRC-32C, uint32 each, little-endian. */
const HEADER_BYTES = 8;
/** When it came (ms since 1970, a double), length of the topic (uint16); then the topic and the payload. */
const FIXED_BYTES = 10;

export function recordBytes({ topic, payload }: Message): number {
  return HEADER_BYTES + FIXED_BYTES + Buffer.byteLength(topic) + payload.length;
}

function encodeRecord(message: Message): Buffer {
  const record = Buffer.alloc(recordBytes(message));
  record.writeDoubleLE(message.receivedMs, HEADER_BYTES);
  const topicBytes = record.write(message.topic, HEADER_BYTES + FIXED_BYTES);
  record.writeUInt16LE(topicBytes, HEADER_BYTES + 8);
  record.set(message.payload, HEADER_BYTES + FIXED_BYTES + topicBytes);
  record.writeUInt32LE(record.length - HEADER_BYTES, 0);
  record.writeUInt32LE(native.crc32c(record.subarray(HEADER_BYTES)), 4);
  return record;
}

/** The whole records from the start on; `goodBytes` is where they end. */
export function readRecords(bytes: Buffer): {
  readonly messages: readonly Message[];
  readonly goodBytes: number;
} {
  const messages: Message[] = [];
  let at = 0;
  for (let next = recordAt(bytes, at); next; next = recordAt(bytes, at)) {
    messages.push(next.message);
    at = next.end;
  }
  return { messages, goodBytes: at };
}

function recordAt(
  bytes: Buffer,
  at: number,
): { readonly message: Message; readonly end: number } | undefined {
  if (bytes.length - at < HEADER_BYTES + FIXED_BYTES) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + HEADER_BYTES + length;
  if (length < FIXED_BYTES || end > bytes.length) return undefined;
  const body = bytes.subarray(at + HEADER_BYTES, end);
  if (native.crc32c(body) !== bytes.readUInt32LE(at + 4)) return undefined;
  const payloadAt = FIXED_BYTES + body.readUInt16LE(8);
  if (payloadAt > length) return undefined;
  const topic = body.toString('utf8', FIXED_BYTES, payloadAt);
  return { message: { topic, payload: body.subarray(payloadAt), receivedMs: body.readDoubleLE(0) }, end };
}

/** One file of records, appended to. */
export class RecordFile {
  #file: fs.FileHandle | undefined;

  /** `bytes`: of whole records, so far. */
  constructor(
    readonly path: string,
    public bytes = 0,
    private readonly disk: Disk = DISK,
  ) {}

  /** On the disk for good once it resolves; nothing of it is in the file where it rejects and the disk lets it be cut off. */
  async append(messages: readonly Message[]): Promise<void> {
    const records = Buffer.concat(messages.map(encodeRecord));
    try {
      this.#file ??= await this.disk.open(this.path, 'a', 0o600);
      await this.#file.writeFile(records);
      await this.#file.datasync();
    } catch (error) {
      await this.close().catch(() => undefined);
      // What can't be cut off has no whole record at its end, or one that was not acknowledged: read again, it is a double at worst.
      await this.disk.truncate(this.path, this.bytes).catch(() => undefined);
      throw error;
    }
    this.bytes += records.length;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

export async function syncFolder(disk: Disk, path: string): Promise<void> {
  const folder = await disk.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
