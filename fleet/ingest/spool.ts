import { join } from 'node:path';
import { DISK, type Disk, RecordFile, readRecords, recordBytes, syncFolder } from './record-file.js';
import type { Message } from './types.js';

const SEGMENT = /^(\d{10})\.spool$/;
const SEGMENT_BYTES = 8 * 1024 * 1024;

export interface SpoolOptions {
  readonly folder: string;
  /** Of all its files. */
  readonly maxBytes: number;
  readonly segmentBytes?: number;
  readonly disk?: Disk;
}

/** There is no room: what it was for stays with its sender. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

/**
 * Messages that the store can't take now, on the disk: acknowledged once they are synced, and read back in the order they came. One caller at a
 * time. What is read twice, because a process died between the store's commit and `done`, the store knows by its identity.
 */
export class Spool {
  readonly #disk: Disk;
  /** Oldest first; only the last one is appended to. */
  readonly #segments: RecordFile[] = [];
  #next = 1;
  #isLastOpen = false;
  /** Of the oldest segment: its messages, and how many of them are done. */
  #reading: { readonly messages: readonly Message[]; done: number } | undefined;
  /** Pieces of sealed segments that can't be read any more, put aside as `….damaged`. */
  damaged = 0;

  private constructor(private readonly options: SpoolOptions) {
    this.#disk = options.disk ?? DISK;
  }

  /** Cuts the torn tail that a killed process leaves: it was never acknowledged. */
  static async open(options: SpoolOptions): Promise<Spool> {
    if (!(options.maxBytes > 0)) throw new RangeError(`a spool of ${options.maxBytes} bytes holds nothing`);
    const spool = new Spool(options);
    await spool.#disk.mkdir(options.folder, { recursive: true, mode: 0o700 });
    const names = (await spool.#disk.readdir(options.folder)).filter((name) => SEGMENT.test(name)).sort();
    for (const name of names) await spool.#found(name, name === names.at(-1));
    return spool;
  }

  async #found(name: string, isLast: boolean): Promise<void> {
    const path = join(this.options.folder, name);
    const bytes = await this.#disk.readFile(path);
    const { goodBytes } = readRecords(bytes);
    this.#next = Number(name.slice(0, 10)) + 1;
    if (goodBytes < bytes.length && !isLast) {
      await this.#disk.writeFile(`${path}.damaged`, bytes.subarray(goodBytes), { flush: true });
      this.damaged++;
    }
    if (goodBytes < bytes.length) await this.#disk.truncate(path, goodBytes);
    if (goodBytes > 0) this.#segments.push(new RecordFile(path, goodBytes, this.#disk));
    else await this.#disk.unlink(path);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0;
  }

  /** Rejects with SpoolFullError or what the disk says; nothing of it is held then. */
  async append(messages: readonly Message[]): Promise<void> {
    const more = messages.reduce((sum, message) => sum + recordBytes(message), 0);
    const { maxBytes, segmentBytes = SEGMENT_BYTES, folder } = this.options;
    if (this.bytes + more > maxBytes)
      throw new SpoolFullError(
        `${folder}: ${this.bytes} of ${maxBytes} bytes are used: bring the database back`,
      );
    const last = this.#segments.at(-1);
    const segment = last && this.#isLastOpen && last.bytes < segmentBytes ? last : await this.#begin();
    try {
      await segment.append(messages);
    } catch (error) {
      await this.#seal();
      if (segment.bytes === 0) {
        this.#segments.pop();
        // A full disk would get another empty file with each try.
        await this.#disk.unlink(segment.path).catch(() => undefined);
      }
      throw error;
    }
  }

  async #begin(): Promise<RecordFile> {
    await this.#seal();
    const path = join(this.options.folder, `${String(this.#next++).padStart(10, '0')}.spool`);
    await this.#disk.writeFile(path, '', { mode: 0o600 });
    await syncFolder(this.#disk, this.options.folder);
    const segment = new RecordFile(path, 0, this.#disk);
    this.#segments.push(segment);
    this.#isLastOpen = true;
    return segment;
  }

  async #seal(): Promise<void> {
    if (this.#isLastOpen) await this.#segments.at(-1)?.close();
    this.#isLastOpen = false;
  }

  /** The oldest that aren't done, at most so many. */
  async oldest(max: number): Promise<readonly Message[]> {
    const [first] = this.#segments;
    if (!first) return [];
    if (this.#segments.length === 1) await this.#seal();
    this.#reading ??= { messages: readRecords(await this.#disk.readFile(first.path)).messages, done: 0 };
    const { messages, done } = this.#reading;
    return messages.slice(done, done + max);
  }

  /** The oldest so many are in the store. */
  async done(count: number): Promise<void> {
    if (!this.#reading) return;
    this.#reading.done += count;
    if (this.#reading.done < this.#reading.messages.length) return;
    const [first] = this.#segments;
    if (first) await this.#disk.unlink(first.path);
    this.#segments.shift();
    this.#reading = undefined;
  }

  async close(): Promise<void> {
    await this.#seal();
  }
}
