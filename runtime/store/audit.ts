import { LOG_CLASSES, type LogClass } from '../../wire/index.js';
import { type StreamId, streamName } from './keys.js';
import type { LevelDb, StoreDeps } from './options.js';
import { RangeSet } from './ranges.js';
import { scanValues } from './scan.js';
import { readFooter, tryHeader, type ValueEntry, walkBlocks } from './value.js';

/** What lies in the database's values, by their own word: nothing is taken from the head. */
export interface Audit {
  readonly values: number;
  readonly blocks: number;
  readonly rows: number;
  readonly bytes: number;
  /** Numbers of whole blocks, by stream. */
  readonly stored: ReadonlyMap<number, RangeSet>;
  /** Blocks whose CRC or identity is wrong. */
  readonly damagedBlocks: readonly DamagedBlock[];
  /** Values whose table of blocks is damaged: what of it could be walked is counted. */
  readonly damagedValues: number;
  /** Whole blocks of streams that the store has no record of. */
  readonly unknownBlocks: number;
  /** By the blocks' own word, by stream. */
  readonly names: ReadonlyMap<number, StreamNamed>;
  readonly lastBoot: number;
  /** The first commit of each class that has values. */
  readonly firsts: ReadonlyMap<LogClass, number>;
  /** Places where LevelDB could not read on; what lies there is unknown. Empty: all was seen. */
  readonly unreadable: readonly string[];
}

export interface StreamNamed {
  readonly stream: StreamId;
  readonly epoch: string;
  readonly name: string;
  readonly class: LogClass;
}

export interface DamagedBlock {
  readonly class: LogClass;
  readonly commit: number;
  readonly index: number;
  readonly stream: StreamId;
  readonly first: number;
  readonly count: number;
}

export interface AuditOptions {
  readonly native: Pick<StoreDeps['native'], 'crc32c' | 'decodeHeader'>;
  /** By epoch and stream name. */
  find(epoch: string, name: string): StreamId | undefined;
  /** Called after each value with its size: a running node takes a breath here. */
  pause?(bytes: number): Promise<void> | undefined;
}

/** Walks every value of every class and checks every block. Rejects only when the database is closed under it. */
export async function audit(db: LevelDb, options: AuditOptions): Promise<Audit> {
  const auditor = new Auditor(db, options);
  for (const name of LOG_CLASSES) await auditor.walk(name);
  return auditor;
}

class Auditor implements Audit {
  values = 0;
  blocks = 0;
  rows = 0;
  bytes = 0;
  readonly stored = new Map<number, RangeSet>();
  readonly damagedBlocks: DamagedBlock[] = [];
  damagedValues = 0;
  unknownBlocks = 0;
  readonly unreadable: string[] = [];
  readonly names = new Map<number, StreamNamed>();
  lastBoot = 0;
  readonly firsts = new Map<LogClass, number>();

  constructor(
    readonly db: LevelDb,
    readonly options: AuditOptions,
  ) {}

  /** An iterator keeps all tables that were there when it began: none is held over a pause, or what is compacted meanwhile lies there twice. */
  async walk(name: LogClass): Promise<void> {
    for (let from: number | undefined = 0; from !== undefined; ) from = await this.#walkToPause(name, from);
  }

  /** Where to go on; `undefined` at the end. */
  async #walkToPause(name: LogClass, from: number): Promise<number | undefined> {
    let pause: Promise<void> | undefined;
    let next = from;
    const onUnreadable = (what: string): unknown => this.unreadable.push(what);
    for await (const [commit, value] of scanValues(this.db, name, from, onUnreadable)) {
      this.#value(name, commit, value);
      next = commit + 1;
      pause = this.options.pause?.(value.length);
      if (pause) break;
    }
    await pause;
    return pause && next;
  }

  #value(name: LogClass, commit: number, value: Uint8Array): void {
    const { native, find } = this.options;
    const footer = readFooter(value, native.crc32c);
    if (!footer) this.damagedValues += 1;
    if (!this.firsts.has(name)) this.firsts.set(name, commit);
    this.values += 1;
    this.bytes += value.length;
    for (const [index, entry] of (footer ?? walkBlocks(value, native, find)).entries()) {
      this.#block({ class: name, commit, index }, entry, value);
    }
  }

  #block(
    place: Pick<DamagedBlock, 'class' | 'commit' | 'index'>,
    entry: ValueEntry,
    value: Uint8Array,
  ): void {
    const { stream, first, count, offset, length } = entry;
    const header = tryHeader(value.subarray(offset, offset + length), 0, this.options.native);
    if (!header || header.first !== first || header.count !== count) {
      this.damagedBlocks.push({ ...place, stream, first, count });
      return;
    }
    const key = streamName(stream);
    const name = this.names.get(key) ?? {
      stream,
      epoch: header.epoch,
      name: header.stream,
      class: place.class,
    };
    if (name.epoch !== header.epoch || name.name !== header.stream) {
      this.damagedBlocks.push({ ...place, stream, first, count });
      return;
    }
    this.names.set(key, name);
    this.lastBoot = Math.max(this.lastBoot, header.boot);
    const known = this.options.find(header.epoch, header.stream);
    if (!known || streamName(known) !== streamName(stream)) this.unknownBlocks += 1;
    this.blocks += 1;
    this.rows += count;
    const ranges = this.stored.get(streamName(stream)) ?? new RangeSet();
    ranges.add(first, first + count);
    this.stored.set(streamName(stream), ranges);
  }
}

/** Numbers below `next` that are neither stored nor settled: nobody can say where their rows are. */
export function holes(
  stored: RangeSet | undefined,
  settled: RangeSet,
  next: number,
): readonly (readonly [from: number, to: number])[] {
  const accounted = new RangeSet(settled.bounds);
  for (const [from, to] of stored ?? []) accounted.add(from, to);
  return accounted.missing(0, next);
}
