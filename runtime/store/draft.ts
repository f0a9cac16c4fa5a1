import type { LogClass } from '../../wire/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import type { Taken, WaitingBlock } from './backlog.js';
import { HEAD_KEY, valueKey } from './keys.js';
import type { LevelOperation } from './options.js';
import { type ClassLog, encodeHead } from './records.js';
import type { StoreState } from './state.js';
import { encodeValue, valueBytes } from './value.js';

/** Rows of one batch, bytes: what is in flight can't be dropped, and one value is one read. */
export const MAX_BATCH_BYTES = 1024 * 1024;
/** Of the declared size: a batch that is no small part of a store would leave it over its bound, whatever is evicted for it. */
const BATCH_SHARE = 1 / 16;
/** What LevelDB adds to a value: its key, sequence, lengths, index. */
export const VALUE_OVERHEAD_BYTES = 48;

/** Sealed rows that the next batch takes, but for a last block that may bring it over. */
function mostBytes({ options }: StoreState): number {
  return Math.min(MAX_BATCH_BYTES, BATCH_SHARE * options.sizeBytes);
}

/** What the values of the next batch will take, of what is sealed by now. */
export function nextBytes(state: StoreState): number {
  let bytes = 0;
  for (const [, blocks] of state.backlog.next(mostBytes(state)))
    if (blocks.length > 0) bytes += valueBytes(blocks) + VALUE_OVERHEAD_BYTES;
  return bytes;
}

/** Values that a batch deletes. */
export interface Deletions {
  readonly operations: readonly LevelOperation[];
  readonly classes: Readonly<Record<LogClass, ClassLog>>;
  readonly bytes: number;
}

/** One batch, complete: what the disk gets, and what is true once it has it. */
export interface Draft {
  readonly batch: number;
  readonly operations: readonly LevelOperation[];
  /** By stream id: numbers below are in this batch or in one before. */
  readonly next: readonly number[];
  readonly classes: Readonly<Record<LogClass, ClassLog>>;
  readonly taken: Taken;
  readonly dirty: ReadonlyMap<string, LevelOperation>;
  readonly bytes: number;
  readonly deletedBytes: number;
}

/**
 * Draws the next batch up, in one go: nothing can be appended between what it takes and what its head says. `undefined` when there is
 * nothing to write. With `alarmBytes` no rows are taken but so much of alarms, and meta rows.
 */
export function draw(state: StoreState, deletions: Deletions, alarmBytes?: number): Draft | undefined {
  state.writeTouched();
  const batch = state.batch + 1;
  const taken =
    alarmBytes === undefined
      ? state.backlog.take(mostBytes(state))
      : state.backlog.take(alarmBytes, ['meta', 'alarm']);
  const { operations, classes } = valuesOf(state, batch, taken, deletions.classes);
  const dirty = state.dirty.take();
  operations.push(...deletions.operations, ...dirty.values());
  if (operations.length === 0) return undefined;
  const next = durableNext(state);
  const head = encodeHead({ batch, classes, next, wear: state.wear }, state.options.deps.native.crc32c);
  operations.push({ type: 'put', key: HEAD_KEY, value: head });
  return {
    batch,
    operations,
    next,
    classes,
    taken,
    dirty,
    bytes: bytesOf(operations),
    deletedBytes: deletions.bytes,
  };
}

/** Right after `draw`: whether nothing that was in memory stayed behind. */
export function isWhole(state: StoreState): boolean {
  const idle = state.current.every((stream) => stream.chunks.length === 0 && stream.unnumberedRows === 0);
  return idle && state.backlog.isEmpty;
}

function valuesOf(
  state: StoreState,
  batch: number,
  taken: Taken,
  before: Readonly<Record<LogClass, ClassLog>>,
): { operations: LevelOperation[]; classes: Record<LogClass, ClassLog> } {
  const operations: LevelOperation[] = [];
  const classes = { ...before };
  for (const name of LOG_CLASSES) {
    const blocks = taken[name];
    if (!blocks) continue;
    const value = encodeValue(blocks, state.options.deps.native.crc32c);
    operations.push({ type: 'put', key: valueKey(name, batch), value });
    classes[name] = grown(classes[name], blocks, value.length);
  }
  return { operations, classes };
}

/** The floor stays: a count may be wrong after damage, and what lies below a floor is read by nobody. */
function grown(log: ClassLog, blocks: readonly WaitingBlock[], length: number): ClassLog {
  return {
    floor: log.floor,
    values: log.values + 1,
    blocks: log.blocks + blocks.length,
    bytes: log.bytes + length + VALUE_OVERHEAD_BYTES,
  };
}

/** By stream id: the first number that is neither in this batch nor in one before. */
function durableNext(state: StoreState): readonly number[] {
  const next: number[] = [];
  for (const stream of state.current) next[stream.id] = stream.chunks[0]?.first ?? stream.next;
  for (const { stream, first } of state.backlog.waiting()) {
    if (stream.epoch === state.epochIndex) next[stream.id] = Math.min(next[stream.id]!, first);
  }
  return next;
}

function bytesOf(operations: readonly LevelOperation[]): number {
  let bytes = 0;
  for (const operation of operations) {
    bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0);
  }
  return bytes;
}
