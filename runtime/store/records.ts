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
}

/** A gap as the ledger keeps it; the stream is in the key. */
export interface LedgerGap {
  readonly first: number;
  /** Inclusive; `undefined`: open. */
  readonly last: number | undefined;
  readonly cause: GapCause;
  readonly atMost: boolean;
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

export function encodeBounds(bounds: readonly number[], crc32c: Crc32c): Uint8Array {
  const writer = new ByteWriter();
  for (const bound of bounds) writer.u53(bound);
  return withCrc(writer.bytes(), crc32c);
}

export function decodeBounds(bytes: Uint8Array, crc32c: Crc32c): readonly number[] | undefined {
  const checked = checkedCrc(bytes, crc32c);
  if (!checked) return undefined;
  const reader = new ByteReader(checked);
  return Array.from({ length: checked.length / 8 }, () => reader.u53());
}

export function encodeGap(gap: LedgerGap, crc32c: Crc32c): Uint8Array {
  const flags = (gap.atMost ? 1 : 0) | (gap.last === undefined ? 2 : 0);
  const writer = new ByteWriter().u8(GAP_CAUSES.indexOf(gap.cause)).u8(flags);
  return withCrc(
    writer
      .u53(gap.first)
      .u53(gap.last ?? 0)
      .bytes(),
    crc32c,
  );
}

export function decodeGap(bytes: Uint8Array, crc32c: Crc32c): LedgerGap | undefined {
  const checked = checkedCrc(bytes, crc32c);
  if (!checked) return undefined;
  const reader = new ByteReader(checked);
  const cause = GAP_CAUSES[reader.u8()];
  const flags = reader.u8();
  const first = reader.u53();
  const last = reader.u53();
  return cause && { first, last: flags & 2 ? undefined : last, cause, atMost: (flags & 1) !== 0 };
}
