import type { Channel } from '../../drivers/contract/index.js';
import { type Epoch, GAP_CAUSES, type GapCause, LOG_CLASSES, type LogClass } from '../../wire/index.js';
import { ByteReader, ByteWriter, type Crc32c, checkedCrc, withCrc } from './bytes.js';
import type { StreamId } from './keys.js';

/** Grows when an older runtime could no longer read or write the store rightly. It then refuses the store; it never wipes it. */
export const STORE_FORMAT = 1;

/** Who the store belongs to; written when it changes. */
export interface Identity {
  readonly format: number;
  readonly node: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly boot: number;
  /** Every epoch that the store has known, oldest first; the last one is current. */
  readonly epochs: readonly Epoch[];
  /** As a stream's record has it: of the boot's meta row. */
  readonly isBootUnsaid?: true;
}

/** One class's log of values. */
export interface ClassLog {
  /** No value has a commit number below. */
  readonly floor: number;
  readonly values: number;
  readonly blocks: number;
  readonly bytes: number;
}

/** Written by every batch. */
export interface Head {
  /** Number of the batch that wrote it; dense from 1. */
  readonly batch: number;
  readonly classes: Readonly<Record<LogClass, ClassLog>>;
  /** Of the current epoch by stream id: all numbers below are stored or settled. */
  readonly next: readonly number[];
  /** Absent in what an older runtime wrote. */
  readonly wear: WearRecord | undefined;
}

/** What was asked of the flash so far. */
export interface WearRecord {
  /** In the life of the store, while it was open. */
  readonly writtenBytes: number;
  /** Saved up of the store's own share of the budget, and of the whole device's. */
  readonly ownLevelBytes: number;
  readonly deviceLevelBytes: number;
}

/** What the store knows of a stream. `version` 0: no descriptor is known. */
export interface StreamRecord extends StreamId {
  readonly name: string;
  readonly class: LogClass;
  readonly version: number;
  readonly title: string;
  readonly channels: readonly Channel[];
  /** No meta row that bears this descriptor is on the disk yet: after a stop before it was, it is said anew. */
  readonly isUnsaid?: true;
}

/** Enough to speak of a stream whose record is lost. */
export type StreamLabel = Pick<StreamRecord, 'epoch' | 'id' | 'name' | 'class'>;

/** A gap as the ledger keeps it; the stream is in the key. */
export interface LedgerGap {
  readonly first: number;
  /** Inclusive; `undefined`: open. */
  readonly last: number | undefined;
  readonly cause: GapCause;
  readonly atMost: boolean;
  /** The meta row that bears it. */
  readonly carrier?: { readonly epoch: number; readonly number: number };
  /** The receiver has that row. An open gap is kept all the same: it says where its epoch ended. */
  readonly isTold?: boolean;
}

export const EMPTY_LOG: ClassLog = { floor: 0, values: 0, blocks: 0, bytes: 0 };

export function emptyClasses(): Record<LogClass, ClassLog> {
  return Object.fromEntries(LOG_CLASSES.map((name) => [name, EMPTY_LOG])) as Record<LogClass, ClassLog>;
}

/** Identity, streams: JSON, readable with any LevelDB tool, and a CRC-32C. They are written rarely. */
export function encodeJson(value: Identity | StreamRecord, crc32c: Crc32c): Uint8Array {
  return withCrc(new TextEncoder().encode(JSON.stringify(value)), crc32c);
}

/** `undefined` where there is nothing whole. The CRC vouches for the shape. */
export function decodeJson<T extends Identity | StreamRecord>(
  bytes: Uint8Array | undefined,
  crc32c: Crc32c,
): T | undefined {
  const checked = bytes && checkedCrc(bytes, crc32c);
  return checked && (JSON.parse(new TextDecoder().decode(checked)) as T);
}

export function encodeHead(head: Head, crc32c: Crc32c): Uint8Array {
  const writer = new ByteWriter().u16(STORE_FORMAT).u53(head.batch);
  for (const name of LOG_CLASSES) {
    const log = head.classes[name];
    writer.u53(log.floor).u32(log.values).u32(log.blocks).u53(log.bytes);
  }
  writer.u16(head.next.length);
  for (const next of head.next) writer.u53(next);
  const { wear } = head;
  if (wear) writer.u53(wear.writtenBytes).u53(wear.ownLevelBytes).u53(wear.deviceLevelBytes);
  return withCrc(writer.bytes(), crc32c);
}

export function decodeHead(bytes: Uint8Array | undefined, crc32c: Crc32c): Head | undefined {
  const checked = bytes && checkedCrc(bytes, crc32c);
  if (!checked) return undefined;
  const reader = new ByteReader(checked);
  reader.u16();
  const batch = reader.u53();
  const classes = emptyClasses();
  for (const name of LOG_CLASSES) {
    classes[name] = { floor: reader.u53(), values: reader.u32(), blocks: reader.u32(), bytes: reader.u53() };
  }
  const next = Array.from({ length: reader.u16() }, () => reader.u53());
  return { batch, classes, next, wear: checked.length - reader.offset < 24 ? undefined : readWear(reader) };
}

function readWear(reader: ByteReader): WearRecord {
  return { writtenBytes: reader.u53(), ownLevelBytes: reader.u53(), deviceLevelBytes: reader.u53() };
}

/** With the stream behind them: the key is not in the CRC. */
export function encodeBounds(bounds: readonly number[], { epoch, id }: StreamId, crc32c: Crc32c): Uint8Array {
  const writer = new ByteWriter();
  for (const bound of bounds) writer.u53(bound);
  writer.u16(epoch).u16(id);
  return withCrc(writer.bytes(), crc32c);
}

/** `undefined` where they are damaged, or another stream's. */
export function decodeBounds(
  bytes: Uint8Array,
  stream: StreamId,
  crc32c: Crc32c,
): readonly number[] | undefined {
  const checked = checkedCrc(bytes, crc32c);
  if (!checked) return undefined;
  const reader = new ByteReader(checked);
  const bounds = Array.from({ length: Math.floor(checked.length / 8) }, () => reader.u53());
  if (reader.isAtEnd) return bounds; // an older runtime's
  return reader.u16() === stream.epoch && reader.u16() === stream.id ? bounds : undefined;
}

const [AT_MOST, OPEN, TOLD, CARRIED] = [1, 2, 4, 8];

export function encodeGap(gap: LedgerGap, stream: StreamLabel, crc32c: Crc32c): Uint8Array {
  const open = gap.last === undefined ? OPEN : 0;
  const flags = (gap.atMost ? AT_MOST : 0) | open | (gap.isTold ? TOLD : 0) | (gap.carrier ? CARRIED : 0);
  const writer = new ByteWriter().u8(GAP_CAUSES.indexOf(gap.cause)).u8(flags);
  writer.u53(gap.first).u53(gap.last ?? 0);
  writer.u16(stream.epoch).u16(stream.id);
  writer.u16(gap.carrier?.epoch ?? 0).u53(gap.carrier?.number ?? 0);
  writer.text(stream.name).u8(LOG_CLASSES.indexOf(stream.class));
  return withCrc(writer.bytes(), crc32c);
}

/** `undefined` where it is damaged, or another stream's. */
export function decodeGap(
  bytes: Uint8Array,
  stream: StreamId,
  crc32c: Crc32c,
): (LedgerGap & { readonly label?: StreamLabel }) | undefined {
  const checked = checkedCrc(bytes, crc32c);
  if (!checked) return undefined;
  const reader = new ByteReader(checked);
  const cause = GAP_CAUSES[reader.u8()];
  const flags = reader.u8();
  const [first, last] = [reader.u53(), reader.u53()];
  const gap = { first, last: flags & OPEN ? undefined : last, atMost: (flags & AT_MOST) !== 0 };
  if (!cause) return undefined;
  if (reader.isAtEnd) return { ...gap, cause }; // an older runtime's
  if (reader.u16() !== stream.epoch || reader.u16() !== stream.id) return undefined;
  const carrier = { epoch: reader.u16(), number: reader.u53() };
  const [name, logClass] = [reader.text(), LOG_CLASSES[reader.u8()]];
  const label = logClass && { ...stream, name, class: logClass };
  const isTold = (flags & TOLD) !== 0;
  return { ...gap, cause, isTold, ...(label ? { label } : {}), ...(flags & CARRIED ? { carrier } : {}) };
}
