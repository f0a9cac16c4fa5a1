import type { Rows } from '../../drivers/contract/index.js';
import type { Anchor, Descriptor, Epoch, Gap, LogClass, NodeId, RowTime } from '../../wire/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import { EarlyRows } from './early-rows.js';
import { reasonOf, StoreError } from './error.js';
import { MemoryBound } from './memory-bound.js';
import type { StoreOptions } from './options.js';
import type {
  BlockOrder,
  BlockPosition,
  DeadLetter,
  Disposition,
  EpochAnchor,
  OpenStore,
  Store,
  StoreCommit,
  StoredBlock,
  StoreStatus,
  StreamSpec,
  StreamStatus,
} from './types.js';

const FIRST_TRY_MS = 1_000;
/** An opening may read all that LevelDB has: a disk that refuses isn't asked for it more often. */
const LONGEST_MS = 10_000;
/** Hours of them: a clock gives 12 an hour at the most. */
const MAX_ANCHORS = 64;

/** A store, and when it is open. */
export interface PatientStore {
  readonly store: Store;
  /** Until then nothing has a number, nothing is acknowledged, and nothing can be read. */
  readonly opened: Promise<void>;
}

type EarlyAnchor = Omit<Anchor, 'boot'>;

/**
 * The store of a node whose disk refuses from the start. Numbers are given only below a limit that is durable, so rows wait here without
 * one; they get theirs, in their order, from the store that opens in the end, under whatever epoch and behind whatever gaps it decides on
 * as if it had been started then. What ends before that never had a number.
 */
export class WaitingStore implements Store {
  readonly node: NodeId;
  readonly opened: Promise<void>;
  readonly #rows: EarlyRows;
  /** The first and the latest. */
  readonly #anchors: EarlyAnchor[] = [];
  readonly #listeners = new Map<(commit: StoreCommit) => void, () => void>();
  readonly #since: bigint;
  #reason: string;
  #store: OpenStore | undefined;
  #trying: Promise<void> | undefined;
  #timer: unknown;
  #waitMs = FIRST_TRY_MS;
  #isClosed = false;
  #onOpened: () => void = () => undefined;

  constructor(
    private readonly options: StoreOptions,
    private readonly open: () => Promise<OpenStore>,
    refusal: StoreError,
  ) {
    const { deps, path } = options;
    this.node = options.node;
    this.#rows = new EarlyRows(new MemoryBound(options));
    this.#since = deps.nowNs();
    this.#reason = reasonOf(refusal);
    this.opened = new Promise((resolve) => {
      this.#onOpened = resolve;
    });
    deps.log('error', `${path}: the disk refuses at the start, rows wait in memory: ${this.#reason}`);
    this.#later();
  }

  get epoch(): Epoch {
    return this.#store?.epoch ?? '';
  }

  get boot(): number {
    return this.#store?.boot ?? 0;
  }

  declare(spec: StreamSpec): void {
    this.#refuseClosed();
    (this.#store ?? this.#rows).declare(spec);
  }

  append(rows: Rows): void {
    this.#refuseClosed();
    (this.#store ?? this.#rows).append(rows);
  }

  anchor(anchor: EarlyAnchor): void {
    this.#refuseClosed();
    if (this.#store) this.#store.anchor(anchor);
    else if (this.#anchors.push(anchor) > MAX_ANCHORS) this.#anchors.splice(1, 1);
  }

  timeOf(epoch: Epoch, boot: number, monotonicNs: bigint): RowTime {
    return this.#store?.timeOf(epoch, boot, monotonicNs) ?? { kind: 'unknown' };
  }

  async flush(): Promise<void> {
    this.#refuseClosed();
    await this.opened;
    await this.#store?.flush();
  }

  onCommit(listener: (commit: StoreCommit) => void): () => void {
    this.#listeners.set(listener, this.#store?.onCommit(listener) ?? (() => undefined));
    return () => {
      this.#listeners.get(listener)?.();
      this.#listeners.delete(listener);
    };
  }

  async read(
    name: LogClass,
    after: BlockPosition | undefined,
    maxBlocks: number,
    maxBytes: number,
    order?: BlockOrder,
  ): Promise<readonly StoredBlock[]> {
    return this.#store?.read(name, after, maxBlocks, maxBytes, order) ?? [];
  }

  dispose(dispositions: readonly Disposition[]): void {
    this.#store?.dispose(dispositions);
  }

  descriptor(name: string, version: number, epoch?: Epoch): Descriptor | undefined {
    return this.#store?.descriptor?.(name, version, epoch);
  }

  isLive(name: string): boolean {
    return this.#store?.isLive?.(name) ?? false;
  }

  async publishGaps(): Promise<void> {
    await this.#store?.publishGaps();
  }

  anchors(): readonly EpochAnchor[] {
    return this.#store?.anchors?.() ?? [];
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#store?.deadLetters?.() ?? [];
  }

  openGaps(): readonly Gap[] {
    return this.#store?.openGaps() ?? [];
  }

  status(): StoreStatus {
    return this.#store?.status() ?? this.#earlyStatus();
  }

  streams(): readonly StreamStatus[] {
    return this.#store?.streams() ?? this.#earlyStreams();
  }

  /** One last attempt: the disk may take it now. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.options.deps.clearTimer(this.#timer);
    await this.#trying;
    if (!this.#store) await this.#try();
    if (this.#store) await this.#store.close();
    else
      this.options.deps.log(
        'error',
        `${this.options.path}: ${this.#rows.count} rows are lost with this process, unnumbered: the disk never took one`,
      );
  }

  #later(): void {
    this.#timer = this.options.deps.setTimer(() => {
      this.#trying = this.#try();
    }, this.#waitMs);
    this.#waitMs = Math.min(LONGEST_MS, 2 * this.#waitMs);
  }

  async #try(): Promise<void> {
    let store: OpenStore;
    try {
      store = await this.open();
    } catch (error) {
      this.#reason = reasonOf(error);
      if (!this.#isClosed) this.#later();
      return;
    }
    this.#goOn(store);
  }

  /** In one turn: no row may come between those that waited and the next. */
  #goOn(store: OpenStore): void {
    const { deps, path } = this.options;
    const seconds = Number((deps.nowNs() - this.#since) / 1_000_000_000n);
    const [waited, lost] = [this.#rows.count, this.#rows.overflow()];
    deps.log(
      'warn',
      `${path}: the disk lets the store be opened after ${seconds} s: ${waited} rows waited in memory, ${lost} more had no room there`,
    );
    for (const listener of this.#listeners.keys()) this.#listeners.set(listener, store.onCommit(listener));
    this.#rows.handOver(store);
    for (const anchor of this.#anchors) store.anchor(anchor);
    this.#store = store;
    this.#onOpened();
  }

  #earlyStatus(): StoreStatus {
    const waitingRows = this.#rows.count;
    const { node, sizeBytes, quotaPercent } = this.options;
    return {
      ...{ node, epoch: '', boot: 0 },
      health: { state: 'notWriting', since: this.#since, reason: this.#reason, waitingRows },
      classes: LOG_CLASSES.map((name) => {
        const percent = name === 'meta' ? 0 : quotaPercent[name];
        return {
          class: name,
          commits: 0,
          blocks: 0,
          bytes: 0,
          quotaBytes: Math.floor((sizeBytes * percent) / 100),
        };
      }),
      streams: this.#earlyStreams(),
      ...{
        committedRows: 0,
        committedBlocks: 0,
        commits: 0,
        pendingRows: waitingRows,
        bytesWritten: 0,
        diskBytes: 0,
      },
      audit: { running: false, done: 0 },
    };
  }

  #earlyStreams(): readonly StreamStatus[] {
    return this.#rows.specs.map(({ name, class: streamClass }) => {
      const overflow = this.#rows.overflow(name);
      const gaps = overflow > 0 ? { overflow } : {};
      return { stream: name, class: streamClass, next: 0, limit: 0, committed: 0, gaps };
    });
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new StoreError('closed', this.options.path, 'the store is closed');
  }
}
