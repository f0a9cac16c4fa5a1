import { LOG_CLASSES, type LogClass } from '../../wire/index.js';

/** Every key of the database; docs/store.md has the table. Numbers are big-endian, so that bytewise order is their order. */
export const IDENTITY_KEY = Uint8Array.of(0x49); // I
export const HEAD_KEY = Uint8Array.of(0x48); // H

const STREAM = 0x54; // T
const SETTLED = 0x52; // R
const GAP = 0x47; // G
const VALUE = 0x56; // V
const ANCHOR = 0x41; // A
const DEAD = 0x44; // D

/** What tells streams apart within a store: the epoch's place in the identity's list, and the stream's in the epoch's. */
export interface StreamId {
  readonly epoch: number;
  readonly id: number;
}

/** One record a version of the stream's descriptor. */
export function streamKey(stream: StreamId, version: number): Uint8Array {
  const key = new Uint8Array(7);
  key.set(pairKey(STREAM, stream));
  key[5] = version >>> 8;
  key[6] = version & 0xff;
  return key;
}

/** For maps. */
export function streamName({ epoch, id }: StreamId): number {
  return epoch * 65536 + id;
}

export function settledKey(stream: StreamId): Uint8Array {
  return pairKey(SETTLED, stream);
}

export function gapKey(stream: StreamId, first: number, cause: number): Uint8Array {
  const key = new Uint8Array(14);
  key.set(pairKey(GAP, stream));
  putNumber(key, 5, first);
  key[13] = cause;
  return key;
}

/** A boot's first anchor (slot 0) or its latest (1). */
export interface AnchorId {
  readonly epoch: number;
  readonly boot: number;
  readonly slot: 0 | 1;
}

export function anchorKey({ epoch, boot, slot }: AnchorId): Uint8Array {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setUint8(0, ANCHOR);
  view.setUint16(1, epoch);
  view.setUint32(3, boot);
  view.setUint8(7, slot);
  return key;
}

/** The epoch's place in the identity's list. */
export function epochOf(key: Uint8Array): number | undefined {
  return key.length === 8 ? new DataView(key.buffer, key.byteOffset, 8).getUint16(1) : undefined;
}

export function valueKey(logClass: LogClass, commit: number): Uint8Array {
  const key = new Uint8Array(10);
  key[0] = VALUE;
  key[1] = LOG_CLASSES.indexOf(logClass);
  putNumber(key, 2, commit);
  return key;
}

/** Of a value, for maps: a string a block would be work for the garbage collector. */
export function valueId(logClass: LogClass, commit: number): number {
  return commit * LOG_CLASSES.length + LOG_CLASSES.indexOf(logClass);
}

/** Whether a key is put once and never anew: batches are numbered, and so are their values. */
export function isOnceKey(key: Uint8Array): boolean {
  return key[0] === VALUE;
}

/** The commit number in a value's key; `undefined` for what is no such key. */
export function commitOf(key: Uint8Array): number | undefined {
  if (key.length !== 10 || key[0] !== VALUE) return undefined;
  const commit = numberAt(key, 2);
  return Number.isSafeInteger(commit) ? commit : undefined;
}

/** Stream id and, for a gap, its first number. */
export function streamOf(key: Uint8Array): StreamId | undefined {
  if (key.length < 5) return undefined;
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return { epoch: view.getUint16(1), id: view.getUint16(3) };
}

export function deadKey(number: number): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = DEAD;
  putNumber(key, 1, number);
  return key;
}

/** A dead letter's number. */
export function deadNumber(key: Uint8Array): number {
  return numberAt(key, 1);
}

export const DEAD_KEYS = rangeOf(DEAD);
export const STREAM_KEYS = rangeOf(STREAM);
export const SETTLED_KEYS = rangeOf(SETTLED);
export const GAP_KEYS = rangeOf(GAP);
export const ANCHOR_KEYS = rangeOf(ANCHOR);
/** All values of a class lie in [valueKey(class, 0), valueKey(class, AFTER_ALL)). */
export const AFTER_ALL = Number.MAX_SAFE_INTEGER;

function pairKey(prefix: number, { epoch, id }: StreamId): Uint8Array {
  return Uint8Array.of(prefix, epoch >>> 8, epoch & 0xff, id >>> 8, id & 0xff);
}

function rangeOf(prefix: number): readonly [from: Uint8Array, to: Uint8Array] {
  return [Uint8Array.of(prefix), Uint8Array.of(prefix + 1)];
}

/** 8 bytes. By hand: a view of so small an array costs more than the rest of a key. */
function putNumber(key: Uint8Array, at: number, value: number): void {
  let rest = value;
  for (let i = at + 7; i >= at; i -= 1) {
    key[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Inexact from 2^53 on. */
function numberAt(key: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i += 1) value = value * 256 + (key[i] ?? 0);
  return value;
}
