import type { Descriptor, Epoch, Gap, GapCause, LogClass, MetaRecord } from '../../wire/index.js';
import { encodeMeta, META_STREAM } from '../../wire/index.js';
import { AnchorTable } from './anchors.js';
import { Backlog } from './backlog.js';
import { DeadLetters } from './dead.js';
import { Footers } from './footers.js';
import { IDENTITY_KEY, type StreamId, settledKey, streamKey, streamName } from './keys.js';
import { DirtyKeys, GapLedger, type StreamGap } from './ledger.js';
import { Memory, MemoryBound } from './memory-bound.js';
import type { StoreOptions } from './options.js';
import {
  type ClassLog,
  encodeBounds,
  encodeJson,
  type Head,
  type Identity,
  type LedgerGap,
  type StreamLabel,
  type StreamRecord,
  type WearRecord,
} from './records.js';
import { lostRecord, type Start } from './recover.js';
import type { Owner } from './reserve.js';
import { Stream } from './stream.js';
import type { DeadLetter } from './types.js';

/** Ranges of settled numbers a stream: receipts that would make more are forgotten, which costs a resend. */
const MAX_SETTLED_RANGES = 1024;

/** All that the store knows and the disk doesn't need to be asked for. The disk follows it, batch by batch. */
export class StoreState {
  identity: Identity;
  readonly memory = new Memory();
  readonly backlog = new Backlog(this.memory);
  readonly memoryBound: MemoryBound;
  readonly dirty = new DirtyKeys();
  readonly ledger: GapLedger;
  readonly anchors: AnchorTable;
  readonly dead: DeadLetters;
  readonly footers = new Footers();
  /** Numbers accounted for by gaps in this process's life. */
  readonly gapCounts = new Map<number, Map<GapCause, number>>();
  /** As the next batch will say it. */
  wear: WearRecord | undefined;
  /** Of the current epoch by stream id: numbers below are on the disk, stored or settled. */
  durableNext: readonly number[];
  readonly #streams = new Map<number, Stream>();
  readonly #byName = new Map<string, Stream>();
  readonly #records = new Map<string, StreamRecord>();
  /** Floors that were lowered while a batch was under way. */
  readonly #lowered = new Map<LogClass, number>();
  readonly #touched = new Set<Stream>();

  constructor(
    readonly options: StoreOptions,
    start: Start,
    /** Number of the last batch on the disk. */
    public batch: number,
    /** As that batch left them. */
    public classes: Readonly<Record<LogClass, ClassLog>>,
  ) {
    this.identity = start.identity;
    this.memoryBound = new MemoryBound(options);
    this.ledger = new GapLedger(this.dirty, options.deps.native.crc32c, (id) => {
      const stream = this.byId(id);
      return { ...id, name: stream?.name ?? '', class: stream?.class ?? 'log' };
    });
    this.anchors = new AnchorTable(this.dirty, options.deps.native.crc32c);
    this.dead = new DeadLetters(this.dirty, options.deps.native.crc32c, options.sizeBytes);
    const durable: number[] = [];
    for (const { record, next } of start.streams) {
      this.#enter(record, next, next);
      if (record.epoch === this.epochIndex) durable[record.id] = next;
    }
    this.durableNext = durable;
  }

  get epoch(): Epoch {
    return this.identity.epochs.at(-1)!;
  }

  /** For the reserve. */
  get owner(): Owner {
    const { node, machineId, bootId, boot, epochs } = this.identity;
    return { node, machineId, bootId, boot, epochs, epochCount: epochs.length };
  }

  get epochIndex(): number {
    return this.identity.epochs.length - 1;
  }

  get meta(): Stream {
    return this.#byName.get(META_STREAM)!;
  }

  /** Of the current epoch, by id. */
  get current(): readonly Stream[] {
    return [...this.#byName.values()];
  }

  get all(): Iterable<Stream> {
    return this.#streams.values();
  }

  byName(name: string): Stream | undefined {
    return this.#byName.get(name);
  }

  byId(id: StreamId): Stream | undefined {
    return this.#streams.get(streamName(id));
  }

  /** For blocks of any epoch. */
  find(epoch: Epoch, name: string): Stream | undefined {
    if (epoch === this.epoch) return this.#byName.get(name);
    const index = this.identity.epochs.indexOf(epoch);
    return [...this.#streams.values()].find((stream) => stream.epoch === index && stream.name === name);
  }

  /** A descriptor that the store has had, by epoch, stream and version. */
  recordOf(stream: Stream, version: number): StreamRecord | undefined {
    return this.#records.get(`${streamName(stream)} ${version}`);
  }

  /** What was on the disk at open. */
  loadRecord(record: StreamRecord): void {
    this.#records.set(`${streamName(record)} ${record.version}`, record);
  }

  settleLoaded(id: StreamId, bounds: readonly number[]): void {
    const stream = this.byId(id);
    for (let i = 0; i < bounds.length; i += 2) stream?.settled.add(bounds[i]!, bounds[i + 1]!);
  }

  /** A gap that was on the disk: its numbers are settled by it alone. */
  gapLoaded({ label, ...gap }: StreamGap & { readonly label?: StreamLabel }): void {
    const epoch = this.identity.epochs[gap.stream.epoch];
    if (label?.name && epoch) this.learn(gap.stream, epoch, label.name, label.class);
    this.ledger.load(gap);
    if (gap.last !== undefined) this.settleLoaded(gap.stream, [gap.first, gap.last + 1]);
  }

  /** Whether the disk has this version of the stream's record, or will with the next batch. */
  isWritten(record: StreamRecord): boolean {
    return this.#records.has(`${streamName(record)} ${record.version}`);
  }

  /** A stream of the current epoch, new or with a new descriptor. Its record goes with the next batch. */
  put(record: StreamRecord): Stream {
    const known = this.#byName.get(record.name);
    if (known) known.record = record;
    const stream = known ?? this.#enter(record, 0, 0);
    this.write(record);
    return stream;
  }

  /** The stream's record goes with the next batch. */
  write(record: StreamRecord): void {
    this.loadRecord(record);
    const value = encodeJson(record, this.options.deps.native.crc32c);
    this.dirty.put(streamKey(record, record.version), value);
  }

  /** Accounts for numbers without rows. */
  gap(stream: Stream, gap: LedgerGap): void {
    const counted = this.ledger.add({ epoch: stream.epoch, id: stream.id }, gap);
    const counts = this.gapCounts.get(streamName(stream)) ?? new Map<GapCause, number>();
    counts.set(gap.cause, (counts.get(gap.cause) ?? 0) + counted);
    this.gapCounts.set(streamName(stream), counts);
    if (gap.last !== undefined) stream.settled.add(gap.first, gap.last + 1);
    this.#touched.add(stream);
    // What meta rows said is said again, unless nobody will ever take it.
    if (stream.class !== 'meta') return;
    const end = gap.last === undefined ? Number.POSITIVE_INFINITY : gap.last + 1;
    if (gap.cause === 'rejected') this.#told(stream, gap.first, end);
    else this.ledger.untold(stream.epoch, gap.first, end);
  }

  /** The receiver has the meta rows that bear these gaps. */
  #told(meta: Stream, first: number, end: number): void {
    for (const gap of this.ledger.told(meta.epoch, first, end)) {
      const stream = this.byId(gap.stream);
      if (stream) this.#touched.add(stream);
    }
  }

  /** A stream that the store has no record of, by its blocks' word. */
  learn(id: StreamId, epoch: Epoch, name: string, logClass: LogClass): Stream | undefined {
    const known = this.byId(id);
    if (known || this.identity.epochs[id.epoch] !== epoch) return known;
    const record = lostRecord(id, name, logClass, 0);
    this.write(record);
    return this.#enter(record, 0, 0);
  }

  /** Accounts for rows that nobody will ever take, and keeps them. */
  reject(
    stream: Stream,
    rows: { readonly first: number; readonly count: number },
    reason: string,
    kind: DeadLetter['kind'],
    content: Uint8Array,
  ): void {
    const { first, count } = rows;
    this.gap(stream, { first, last: first + count - 1, cause: 'rejected', atMost: false });
    const epoch = this.identity.epochs[stream.epoch] ?? '';
    const atMs = Number(this.options.deps.nowNs() / 1_000_000n);
    this.dead.add({ epoch, stream: stream.name, first, count, reason, atMs, kind, content });
  }

  /** The right-hand side holds these numbers for good. */
  received(stream: Stream, first: number, end: number): void {
    const full = stream.settled.rangeCount >= MAX_SETTLED_RANGES;
    if (full && stream.settled.growth(first, end) > 0) return;
    stream.settled.add(first, end);
    this.#touched.add(stream);
    if (stream.class === 'meta') this.#told(stream, first, end);
  }

  /** No value has a commit below. True: somebody who read from the old floor has missed some. */
  lowerFloor(name: LogClass, commit: number): boolean {
    const log = this.classes[name];
    if (commit >= log.floor) return false;
    this.classes = { ...this.classes, [name]: { ...log, floor: commit } };
    this.#lowered.set(name, Math.min(commit, this.#lowered.get(name) ?? commit));
    return true;
  }

  /** The disk has the batch. */
  landed({ batch, classes, next }: Omit<Head, 'wear'>): void {
    this.backlog.landed();
    this.batch = batch;
    this.classes = classes;
    this.durableNext = next;
    // The batch was made of what was known before.
    for (const [name, commit] of this.#lowered) this.lowerFloor(name, commit);
    this.#lowered.clear();
  }

  /** That no meta row bears yet. A gap of a stream whose name is lost can't be told. */
  untoldGaps(): readonly StreamGap[] {
    return this.ledger
      .all()
      .filter(({ stream }) => this.byId(stream) !== undefined && this.identity.epochs[stream.epoch] !== '');
  }

  /** As receivers know it. */
  wireGap({ stream, first, last, cause, atMost }: StreamGap): Gap {
    const name = this.byId(stream)?.name ?? '';
    return { epoch: this.identity.epochs[stream.epoch]!, stream: name, first, last, cause, atMost };
  }

  /** A row of the meta stream, from now. */
  appendMeta(record: MetaRecord): void {
    this.meta.append({
      stream: META_STREAM,
      timesNs: BigInt64Array.of(this.options.deps.nowNs()),
      values: Float64Array.of(Number.NaN),
      quality: Uint8Array.of(0),
      texts: [encodeMeta(record)],
    });
  }

  /** The boot and descriptors whose meta rows aren't on the disk are meta rows from now; call it before the first batch is drawn up. */
  sayUnsaid(software: string): void {
    const { boot, bootId, isBootUnsaid } = this.identity;
    if (isBootUnsaid) this.appendMeta({ kind: 'boot', value: { boot, bootId, software } });
    for (const { record } of this.current)
      if (record.isUnsaid) this.appendMeta({ kind: 'descriptor', value: descriptorOf(record)! });
  }

  /** All meta rows are sealed, and go with the batch that is being drawn up: nothing is unsaid any more. */
  #said(): void {
    if (this.identity.isBootUnsaid) {
      const { isBootUnsaid: _, ...identity } = this.identity;
      this.identity = identity;
      this.writeIdentity();
    }
    for (const stream of this.current) {
      const { isUnsaid, ...record } = stream.record;
      if (!isUnsaid) continue;
      stream.record = record;
      this.write(record);
    }
  }

  /** Turns what was touched into operations: call it before dirty.take(). */
  writeTouched(): void {
    const { crc32c } = this.options.deps.native;
    if (this.meta.chunks.length === 0 && this.meta.unnumberedRows === 0) this.#said();
    for (const stream of this.#touched) {
      const bounds = stream.settled.without(this.ledger.of(stream));
      this.dirty.put(settledKey(stream), encodeBounds(bounds, stream, crc32c));
    }
    this.#touched.clear();
  }

  /** Everything but the values is written anew with the next batch: the disk has lost some of it. */
  touchAll(): void {
    this.writeIdentity();
    for (const record of this.#records.values()) this.write(record);
    for (const stream of this.#streams.values()) this.#touched.add(stream);
    this.ledger.touchAll();
    this.anchors.touchAll();
    this.dead.touchAll();
  }

  writeIdentity(): void {
    this.dirty.put(IDENTITY_KEY, encodeJson(this.identity, this.options.deps.native.crc32c));
  }

  /** Rows that are in memory only. */
  get pendingRows(): number {
    let rows = this.backlog.rows;
    for (const stream of this.#byName.values()) rows += stream.waitingRows;
    return rows;
  }

  #enter(record: StreamRecord, next: number, limit: number): Stream {
    const stream = new Stream(record, next, limit, this.memory, (owner, first, last, cause) =>
      this.gap(owner, { first, last, cause, atMost: false }),
    );
    this.#streams.set(streamName(record), stream);
    if (record.epoch === this.epochIndex) this.#byName.set(record.name, stream);
    return stream;
  }
}

/** As receivers know it; `undefined` for the meta stream, whose descriptor is fixed, and where none is known. */
export function descriptorOf(record: StreamRecord | undefined): Descriptor | undefined {
  if (!record || record.class === 'meta' || record.channels.length === 0) return undefined;
  const { name, version, title, class: streamClass, channels } = record;
  return { stream: name, version, title, class: streamClass, channels };
}
