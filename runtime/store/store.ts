import type { Rows } from '../../drivers/contract/index.js';
import type {
  Anchor,
  Descriptor,
  Epoch,
  Gap,
  GapCause,
  LogClass,
  NodeId,
  RowTime,
} from '../../wire/index.js';
import { Committer } from './committer.js';
import type { Connection } from './connection.js';
import { reasonOf, StoreError } from './error.js';
import { DiskKeeper } from './keeper.js';
import type { Opened } from './open.js';
import type { StoreOptions } from './options.js';
import { Reader } from './reader.js';
import { Releases } from './release.js';
import { MAX_STREAMS } from './reserve.js';
import { Reserver } from './reserver.js';
import { Scrubber } from './scrub.js';
import { shed } from './shed.js';
import { checkSpec } from './spec.js';
import { descriptorOf, type StoreState } from './state.js';
import { statusOf, streamsOf } from './status.js';
import type { Stream } from './stream.js';
import type {
  BlockOrder,
  BlockPosition,
  DeadLetter,
  Disposition,
  EpochAnchor,
  OpenStore,
  StoreCommit,
  StoredBlock,
  StoreStatus,
  StreamSpec,
  StreamStatus,
} from './types.js';
import { Wear } from './wear.js';

/** The Store over LevelDB: what is promised is in types.ts, how it is kept in docs/store.md. */
export class LevelStore implements OpenStore {
  readonly node: NodeId;
  readonly epoch: Epoch;
  readonly boot: number;
  readonly #state: StoreState;
  readonly #options: StoreOptions;
  readonly #releases = new Releases();
  readonly #reserver: Reserver;
  readonly #wear: Wear;
  readonly #connection: Connection;
  readonly #committer: Committer;
  readonly #scrubber: Scrubber;
  readonly #keeper: DiskKeeper;
  readonly #listeners = new Set<(commit: StoreCommit) => void>();
  #isClosed = false;

  /** Reserves the first numbers: what recovery had to say gets the first of them. */
  static async start(opened: Opened, options: StoreOptions): Promise<LevelStore> {
    const store = new LevelStore(opened, options, await Wear.open(opened.state));
    await store.#reserver.extend();
    if (opened.state.pendingRows > 0) store.#committer.now();
    return store;
  }

  private constructor({ state, connection, reserve }: Opened, options: StoreOptions, wear: Wear) {
    this.#wear = wear;
    this.#state = state;
    this.#options = options;
    this.node = options.node;
    this.epoch = state.epoch;
    this.boot = state.identity.boot;
    this.#reserver = new Reserver(state, reserve, wear, () => this.#committer.now());
    this.#keeper = new DiskKeeper(
      state,
      () => connection.writable,
      (what) => this.#committer.repair(what),
    );
    const events = {
      onCommit: (commit: StoreCommit): void => {
        for (const listener of this.#listeners) this.#tell(listener, commit);
      },
      onWrite: (bytes: number): void => this.#keeper.changed(bytes),
      onLoss: (): void => this.#scrubber.start(),
      onReopened: (): void => this.#scrubber.reopened(),
      onDoubt: (where: string): void => this.#scrubber.doubt(where),
    };
    this.#committer = new Committer(state, this.#releases, wear, this.#keeper, events, connection);
    this.#connection = connection;
    this.#scrubber = new Scrubber(state, this.#releases, () => connection.db, {
      onGaps: () => this.#committer.now(),
      onBack: () => this.#committer.lookAgain(),
      onDamage: (what) => this.#committer.repair(what),
    });
    this.#scrubber.start();
    this.#keeper.changed(options.sizeBytes);
  }

  declare(spec: StreamSpec): void {
    this.#refuseClosed();
    const known = this.#state.byName(spec.name);
    if (known) known.declaredLive = spec.live ?? false;
    if (known && sameShape(spec, known.record)) return;
    this.#refuse(spec);
    const stream = {
      epoch: this.#state.epochIndex,
      id: known?.id ?? this.#state.current.length,
      name: spec.name,
      class: spec.class,
      version: (known?.record.version ?? 0) + 1,
      title: spec.title,
      channels: spec.channels,
      isUnsaid: true as const,
    };
    const value = descriptorOf(stream)!;
    this.#state.appendMeta({ kind: 'descriptor', value });
    this.#state.put(stream).declaredLive = spec.live ?? false;
    this.#reserver.check();
    this.#committer.now();
  }

  append(rows: Rows): void {
    const stream = this.#declared(rows.stream);
    stream.append(rows);
    shed(this.#state);
    if (stream.wantsReserve) this.#reserver.check();
    if (stream.class === 'alarm') this.#committer.now();
    else if (stream.isLive) this.#committer.live();
    else this.#committer.withGroup();
  }

  lost(name: string, rows: number, cause: GapCause): void {
    const stream = this.#declared(name);
    stream.lose(rows, cause);
    if (stream.wantsReserve) this.#reserver.check();
    this.#committer.withGroup();
  }

  anchor(anchor: Omit<Anchor, 'boot'>): void {
    this.#refuseClosed();
    const whole = { boot: this.boot, ...anchor };
    this.#state.appendMeta({ kind: 'anchor', value: whole });
    this.#state.anchors.add(this.#state.epochIndex, whole);
    this.#reserver.check();
    this.#committer.withGroup();
  }

  timeOf(epoch: Epoch, boot: number, monotonicNs: bigint): RowTime {
    return this.#state.anchors.timeOf(this.#state.identity.epochs.indexOf(epoch), boot, monotonicNs);
  }

  flush(): Promise<void> {
    this.#refuseClosed();
    return this.#committer.flush();
  }

  onCommit(listener: (commit: StoreCommit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async read(
    name: LogClass,
    after: BlockPosition | undefined,
    maxBlocks: number,
    maxBytes: number,
    order: BlockOrder = 'oldest',
  ): Promise<readonly StoredBlock[]> {
    this.#refuseClosed();
    const { db } = this.#connection;
    if (!db) return [];
    const request = { class: name, after, maxBlocks, maxBytes, order };
    const reader = new Reader(this.#state, this.#releases, this.#scrubber, request);
    try {
      return await reader.read(db);
    } catch (error) {
      // The database was closed under the read: what the disk refuses to write it can't be asked for either.
      if (this.#connection.db !== db) return [];
      throw error;
    } finally {
      if (!this.#releases.isEmpty) this.#committer.lazily();
    }
  }

  dispose(dispositions: readonly Disposition[]): void {
    this.#refuseClosed();
    for (const disposition of dispositions) {
      if (disposition.kind === 'rejected') {
        const { class: name, commit, index } = disposition.position;
        const what = `a block was refused for good, its rows become a gap (${name} ${commit}/${index})`;
        this.#options.deps.log('warn', `${what}: ${disposition.reason}`);
      }
      this.#releases.add(
        disposition.position,
        disposition.kind === 'rejected' ? { rejected: disposition.reason } : disposition.kind,
      );
    }
    this.#committer.lazily();
  }

  descriptor(name: string, version: number, epoch: Epoch = this.epoch): Descriptor | undefined {
    const stream = this.#state.find(epoch, name);
    return stream && descriptorOf(this.#state.recordOf(stream, version));
  }

  isLive(name: string): boolean {
    return this.#state.byName(name)?.isLive ?? false;
  }

  async publishGaps(): Promise<void> {
    this.#refuseClosed();
    const { ledger, meta } = this.#state;
    while (this.#state.untoldGaps().length > 0) {
      const room = (): number => (meta.unnumberedRows > 0 ? 0 : meta.limit - meta.next);
      if (room() === 0) await this.#reserver.extend();
      if (room() === 0) return;
      for (const gap of this.#state.untoldGaps().slice(0, room())) {
        ledger.carried(gap, { epoch: meta.epoch, number: meta.next });
        this.#state.appendMeta({ kind: 'gap', value: this.#state.wireGap(gap) });
      }
      this.#reserver.check();
    }
    if (this.#committer.failure === undefined) await this.#committer.flush();
  }

  anchors(): readonly EpochAnchor[] {
    const { epochs } = this.#state.identity;
    return [...this.#state.anchors.all()].map(([epoch, anchor]) => ({ ...anchor, epoch: epochs[epoch]! }));
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#state.dead.all;
  }

  openGaps(): readonly Gap[] {
    return this.#state.untoldGaps().map((gap) => this.#state.wireGap(gap));
  }

  streams(): readonly StreamStatus[] {
    return streamsOf(this.#state);
  }

  status(): StoreStatus {
    const { running, done } = this.#scrubber;
    return statusOf(this.#state, this.#committer, this.#reserver, this.#wear, this.#keeper.diskBytes, {
      running,
      done,
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#scrubber.stop();
    if (this.#state.current.some((stream) => stream.unnumberedRows > 0)) await this.#reserver.extend();
    await this.#reserver.stop();
    try {
      if (await this.#committer.close()) await this.#reserver.writeClean();
      await this.#reserver.file.close();
    } catch (error) {
      this.#options.deps.log('warn', `the store did not stop cleanly, a gap will say so: ${reasonOf(error)}`);
    }
  }

  /** A listener's fault is its own: the commit stands. */
  #tell(listener: (commit: StoreCommit) => void, commit: StoreCommit): void {
    try {
      listener(commit);
    } catch (error) {
      this.#options.deps.log('error', `a listener failed on a commit: ${reasonOf(error)}`);
    }
  }

  #declared(name: string): Stream {
    this.#refuseClosed();
    const stream = this.#state.byName(name);
    if (stream && stream !== this.#state.meta) return stream;
    throw new StoreError('invalid', name, 'rows of a stream that was not declared');
  }

  #refuse(spec: StreamSpec): void {
    checkSpec(spec);
    if (!this.#state.byName(spec.name) && this.#state.current.length >= MAX_STREAMS) {
      throw new StoreError('invalid', spec.name, `more than ${MAX_STREAMS} streams in one epoch`);
    }
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new StoreError('closed', this.#options.path, 'the store is closed');
  }
}

function sameShape(spec: StreamSpec, record: StoreState['meta']['record']): boolean {
  const same = spec.class === record.class && spec.title === record.title;
  return same && JSON.stringify(spec.channels) === JSON.stringify(record.channels);
}
