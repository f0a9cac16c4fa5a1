import { GAP_CAUSES, type GapCause } from '../../wire/index.js';
import type { Crc32c } from './bytes.js';
import { gapKey, type StreamId, streamName } from './keys.js';
import type { LevelOperation } from './options.js';
import { encodeGap, type LedgerGap, type StreamLabel } from './records.js';

/** Changes that wait for a batch: the latest operation a key. */
export class DirtyKeys {
  #operations = new Map<string, LevelOperation>();

  put(key: Uint8Array, value: Uint8Array): void {
    this.#operations.set(nameOf(key), { type: 'put', key, value });
  }

  del(key: Uint8Array): void {
    this.#operations.set(nameOf(key), { type: 'del', key });
  }

  get size(): number {
    return this.#operations.size;
  }

  /** All of them, for a batch. Should it fail, `restore` gives them back. */
  take(): ReadonlyMap<string, LevelOperation> {
    const taken = this.#operations;
    this.#operations = new Map();
    return taken;
  }

  /** What changed since the batch was built wins. */
  restore(taken: ReadonlyMap<string, LevelOperation>): void {
    this.#operations = new Map([...taken, ...this.#operations]);
  }
}

function keyOf(gap: StreamGap): Uint8Array {
  return gapKey(gap.stream, gap.first, GAP_CAUSES.indexOf(gap.cause));
}

function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

/** A gap with its stream. */
export interface StreamGap extends LedgerGap {
  readonly stream: StreamId;
}

/**
 * The gaps that the receiver doesn't know of yet, as they are on the disk but for `dirty`. Neighbours of one cause are one entry, so that a
 * long outage costs one; one that grows after it was told is told again.
 */
export class GapLedger {
  /** By stream, sorted by first number. */
  readonly #gaps = new Map<number, StreamGap[]>();

  constructor(
    readonly dirty: DirtyKeys,
    readonly crc32c: Crc32c,
    readonly labelOf: (stream: StreamId) => StreamLabel,
  ) {}

  #encode(gap: StreamGap): Uint8Array {
    return encodeGap(gap, this.labelOf(gap.stream), this.crc32c);
  }

  /** What was on the disk at open. */
  load(gap: StreamGap): void {
    this.#insert(this.#of(gap.stream), gap);
  }

  /** Enters a gap; returns how many of its numbers no gap of this cause had before. */
  add(stream: StreamId, gap: LedgerGap): number {
    const gaps = this.#of(stream);
    const touching = gaps.filter((other) => melts(other, gap));
    let merged: StreamGap = { ...gap, stream: { epoch: stream.epoch, id: stream.id } };
    let known = 0;
    for (const other of touching) {
      known += overlap(other, gap);
      merged = union(merged, other);
      this.remove(other);
    }
    this.#insert(gaps, merged);
    this.dirty.put(keyOf(merged), this.#encode(merged));
    return gap.last === undefined ? 0 : gap.last - gap.first + 1 - known;
  }

  remove(gap: StreamGap): void {
    const gaps = this.#of(gap.stream);
    gaps.splice(gaps.indexOf(gap), 1);
    this.dirty.del(keyOf(gap));
  }

  /** A meta row bears it from now on; it stays until the receiver has that row. */
  carried(gap: StreamGap, carrier: { readonly epoch: number; readonly number: number }): void {
    this.#change(gap, { ...gap, carrier });
  }

  /** The receiver has meta rows [first, end) of an epoch: the gaps that they bear, which leave the ledger unless they are open. */
  told(epoch: number, first: number, end: number): readonly StreamGap[] {
    const told = this.#carriedBy(epoch, first, end);
    for (const gap of told) {
      if (gap.last === undefined) this.#change(gap, { ...gap, isTold: true });
      else this.remove(gap);
    }
    return told;
  }

  /** Meta rows [first, end) of an epoch are lost: what they bore is to be told again. */
  untold(epoch: number, first: number, end: number): void {
    for (const gap of this.#carriedBy(epoch, first, end)) {
      const { carrier: _, isTold: __, ...rest } = gap;
      this.#change(gap, rest);
    }
  }

  #carriedBy(epoch: number, first: number, end: number): readonly StreamGap[] {
    const isIn = ({ carrier }: StreamGap): boolean =>
      carrier !== undefined && carrier.epoch === epoch && carrier.number >= first && carrier.number < end;
    return this.#entries().filter(isIn);
  }

  #change(gap: StreamGap, changed: StreamGap): void {
    const gaps = this.#of(gap.stream);
    gaps.splice(gaps.indexOf(gap), 1, changed);
    this.dirty.put(keyOf(changed), this.#encode(changed));
  }

  /** Everything is to be written anew. */
  touchAll(): void {
    for (const gap of this.#entries()) this.dirty.put(keyOf(gap), this.#encode(gap));
  }

  /** That no meta row bears. */
  all(): readonly StreamGap[] {
    const untold: StreamGap[] = [];
    for (const gaps of this.#gaps.values())
      for (const gap of gaps) if (gap.carrier === undefined) untold.push(gap);
    return untold;
  }

  /** Of one stream, told or not. */
  of(stream: StreamId): readonly StreamGap[] {
    return this.#gaps.get(streamName(stream)) ?? [];
  }

  #entries(): readonly StreamGap[] {
    return [...this.#gaps.values()].flat();
  }

  #of(stream: StreamId): StreamGap[] {
    const name = streamName(stream);
    const gaps = this.#gaps.get(name) ?? [];
    this.#gaps.set(name, gaps);
    return gaps;
  }

  #insert(gaps: StreamGap[], gap: StreamGap): void {
    const after = gaps.findIndex((other) => other.first > gap.first);
    gaps.splice(after < 0 ? gaps.length : after, 0, gap);
  }
}

/** Same cause, and touching or overlapping. Open gaps stay as they are, but two with one key can't both be kept. */
function melts(one: LedgerGap, other: LedgerGap): boolean {
  if (one.cause !== other.cause) return false;
  if (one.first === other.first) return true;
  if (one.atMost !== other.atMost) return false;
  if (one.last === undefined || other.last === undefined) return false;
  return one.first <= other.last + 1 && other.first <= one.last + 1;
}

function overlap(one: LedgerGap, other: LedgerGap): number {
  if (one.last === undefined || other.last === undefined) return 0;
  return Math.max(0, Math.min(one.last, other.last) - Math.max(one.first, other.first) + 1);
}

function union(one: StreamGap, other: LedgerGap): StreamGap {
  return {
    ...one,
    first: Math.min(one.first, other.first),
    last: one.last === undefined || other.last === undefined ? undefined : Math.max(one.last, other.last),
    atMost: one.atMost || other.atMost,
  };
}

export type GapCount = Partial<Record<GapCause, number>>;
