import type { Epoch, LogClass } from '../../wire/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import { ByteReader, ByteWriter, type Crc32c, checkedCrc, withCrc } from './bytes.js';
import type { PlainFile, StoreFiles } from './options.js';

/** The most streams that an epoch may have: their entries fit a slot. */
export const MAX_STREAMS = 250;

/** One slot; at most 26 + 250 × 62 bytes are used, and only what is used is written. */
export const SLOT_BYTES = 16384;
const SLOTS = 2;
/** So many fit a slot whose streams are as many as may be. */
const MAX_OWNER_EPOCHS = 8;
const MAGIC = 0x31565243; // CRV1
const RESERVE_FORMAT = 1;

export interface ReserveEntry {
  readonly stream: string;
  readonly class: LogClass;
  /** Of its newest descriptor; 0: none yet. */
  readonly version: number;
  /** No number at or past this was ever given. */
  readonly limit: number;
  /** The stream's in its epoch; absent in what an older runtime wrote. */
  readonly id?: number;
}

/** What the database's identity record says, told once more. */
export interface Owner {
  readonly node: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly boot: number;
  /** Oldest first, of all epochs or the newest of them. */
  readonly epochs: readonly Epoch[];
  /** How many there are. */
  readonly epochCount: number;
}

/** It stands on its own: should LevelDB lose everything, it still says which streams had given which numbers. */
export interface Reserve {
  readonly generation: number;
  readonly epoch: Epoch;
  /** The process stopped in order: limits are exactly the next numbers. */
  readonly clean: boolean;
  readonly entries: readonly ReserveEntry[];
  readonly owner?: Owner;
  /** The other slot is damaged: it may have been the newer one, with higher limits. */
  readonly isInDoubt?: boolean;
}

export function encodeReserve(reserve: Reserve, crc32c: Crc32c): Uint8Array {
  const writer = new ByteWriter()
    .u53(reserve.generation)
    .text(reserve.epoch)
    .u8(reserve.clean ? 1 : 0);
  writer.u16(reserve.entries.length);
  for (const { stream, class: logClass, version, limit } of reserve.entries) {
    writer.text(stream).u8(LOG_CLASSES.indexOf(logClass)).u16(version).u53(limit);
  }
  if (reserve.owner) writeOwner(writer, reserve.owner, reserve.entries);
  const body = Uint8Array.from(writer.bytes());
  const head = new ByteWriter().u32(MAGIC).u16(RESERVE_FORMAT).u32(body.length).raw(body);
  return withCrc(head.bytes(), crc32c);
}

/** `undefined` where the slot is empty, torn or damaged. */
export function decodeReserve(slot: Uint8Array, crc32c: Crc32c): Reserve | undefined {
  if (slot.length < 14) return undefined;
  const head = new ByteReader(slot);
  if (head.u32() !== MAGIC || head.u16() !== RESERVE_FORMAT) return undefined;
  const length = head.u32();
  if (head.offset + length + 4 > slot.length) return undefined;
  const checked = checkedCrc(slot.subarray(0, head.offset + length + 4), crc32c);
  return checked && readBody(new ByteReader(checked.subarray(head.offset)));
}

function readBody(reader: ByteReader): Reserve | undefined {
  const generation = reader.u53();
  const epoch = reader.text();
  const clean = reader.u8() === 1;
  const entries: ReserveEntry[] = [];
  for (let left = reader.u16(); left > 0; left -= 1) {
    const stream = reader.text();
    const logClass = LOG_CLASSES[reader.u8()];
    if (!logClass) return undefined;
    entries.push({ stream, class: logClass, version: reader.u16(), limit: reader.u53() });
  }
  if (reader.isAtEnd) return { generation, epoch, clean, entries };
  const { owner, ids } = readOwner(reader, entries.length);
  return { generation, epoch, clean, owner, entries: entries.map((entry, i) => ({ ...entry, id: ids[i]! })) };
}

/** Behind what the first runtimes wrote and read. */
function writeOwner(writer: ByteWriter, owner: Owner, entries: readonly ReserveEntry[]): void {
  for (const { id } of entries) writer.u16(id ?? 0);
  writer.text(owner.node).text(owner.machineId).text(owner.bootId).u32(owner.boot).u16(owner.epochCount);
  const epochs = owner.epochs.slice(-MAX_OWNER_EPOCHS);
  writer.u8(epochs.length);
  for (const epoch of epochs) writer.text(epoch);
}

function readOwner(reader: ByteReader, entries: number): { owner: Owner; ids: readonly number[] } {
  const ids = Array.from({ length: entries }, () => reader.u16());
  const who = { node: reader.text(), machineId: reader.text(), bootId: reader.text() };
  const [boot, epochCount] = [reader.u32(), reader.u16()];
  const epochs = Array.from({ length: reader.u8() }, () => reader.text());
  return { owner: { ...who, boot, epochCount, epochs }, ids };
}

/** The newest whole slot of the file's bytes. */
export function newestSlot(file: Uint8Array, crc32c: Crc32c): Reserve | undefined {
  let newest: Reserve | undefined;
  let isInDoubt = false;
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const bytes = file.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
    const found = decodeReserve(bytes, crc32c);
    if (found && (!newest || found.generation > newest.generation)) newest = found;
    isInDoubt ||= !found && bytes.some((byte) => byte !== 0);
  }
  return newest && isInDoubt ? { ...newest, isInDoubt } : newest;
}

/** The file: two slots written in turn, so that a torn write leaves the other. Its room is taken once: a full disk can't stop it. */
export class ReserveFile {
  #file: PlainFile | undefined;
  #generation: number;

  constructor(
    readonly path: string,
    readonly files: StoreFiles,
    readonly crc32c: Crc32c,
    generation: number,
  ) {
    this.#generation = generation;
  }

  /**
   * Makes the file where it isn't there or has another size. Its directory is synced by the caller. What is read is on the disk: a
   * killed process may have left it in the cache alone, and numbers will be given by it.
   */
  static async prepare(path: string, files: StoreFiles): Promise<Uint8Array> {
    const found = await files.read(path);
    if (found?.length === SLOTS * SLOT_BYTES) {
      await files.sync(path);
      return found;
    }
    const zeros = new Uint8Array(SLOTS * SLOT_BYTES);
    if (found) zeros.set(found.subarray(0, zeros.length));
    await files.write(path, zeros);
    return zeros;
  }

  /** Durable when it resolves. After a failure the same slot is written again: the other one stays whole. */
  async write(reserve: Omit<Reserve, 'generation'>): Promise<number> {
    const generation = this.#generation + 1;
    const bytes = encodeReserve({ generation, ...reserve }, this.crc32c);
    try {
      this.#file ??= await this.files.open(this.path);
      await this.#file.write(bytes, (generation % SLOTS) * SLOT_BYTES);
      await this.#file.datasync();
    } catch (cause) {
      await this.close();
      throw cause;
    }
    this.#generation = generation;
    return bytes.length;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
