import { LOG_CLASSES } from '../../wire/index.js';
import type { Connection } from './connection.js';
import { type Draft, draw, isWhole, MAX_BATCH_BYTES, nextBytes } from './draft.js';
import { Due } from './due.js';
import { reasonOf, StoreError } from './error.js';
import { HEAD_KEY } from './keys.js';
import { recount } from './load.js';
import type { LevelDb } from './options.js';
import { decodeHead } from './records.js';
import { Deleter, type Releases } from './release.js';
import { Retry } from './retry.js';
import { codeOf } from './scan.js';
import { sealAll } from './seal.js';
import { shed } from './shed.js';
import type { StoreState } from './state.js';
import type { StoreCommit } from './types.js';
import { LIVE_MS, type Wear } from './wear.js';

/** A row after a quiet time waits so long for company, ms. */
const GATHER_MS = 1000;
/** Receipts wait no longer than that for a batch to go with, ms, nor when so many wait: a lost receipt costs a resend. */
const LAZY_MS = 60_000;
const MANY_RECEIPTS = 4096;
/** Of what live values may take. */
const FULL_SHARE = 0.9;

export interface CommitterEvents {
  onCommit(commit: StoreCommit): void;
  /** The disk took a batch: so much was written and deleted. */
  onWrite(bytes: number): void;
  /** The disk has less than was acknowledged: an audit must say what is missing. */
  onLoss(): void;
  /** The database was opened anew and ends where it should. Nobody has seen yet whether it is whole. */
  onReopened(): void;
  /** Something can't be read that making room came across. */
  onDoubt(where: string): void;
}

/** What the disk may hold; DiskKeeper. */
export interface DiskBudget {
  readonly budgetBytes: number;
  /** Resolves when a batch of so many bytes may be written. */
  room(bytes: number): Promise<void>;
}

/**
 * Writes batches, one at a time. After any write error the database is closed and opened again before the next attempt, and the head on
 * the disk tells whether the failed batch is in: LevelDB 1.20 would otherwise lose what it acknowledges later.
 */
export class Committer {
  commits = 0;
  committedRows = 0;
  committedBlocks = 0;
  bytesWritten = 0;
  failure: { readonly since: bigint; readonly reason: string } | undefined;
  /** A write failed, and the ballast couldn't be held again since. */
  #isTight = false;
  /** Written since then. */
  #tightBytes = 0;
  /** The database was closed since somebody was last told to look. */
  #wasClosed = false;
  /** A batch whose write failed: perhaps it is on the disk. */
  #doubtful: Draft | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #closing = false;
  #waiters: (() => void)[] = [];
  readonly #retry: Retry;
  readonly #liveDue: Due;
  readonly #groupDue: Due;
  /** Nothing but the interval asks for the next batch. */
  #ofGroup = false;
  #lastNs: bigint;

  constructor(
    readonly state: StoreState,
    readonly releases: Releases,
    readonly wear: Wear,
    readonly disk: DiskBudget,
    readonly events: CommitterEvents,
    readonly connection: Connection,
  ) {
    const { deps } = state.options;
    this.#retry = new Retry(deps, () => void this.#run());
    this.#liveDue = new Due(deps, () => void this.#run());
    this.#groupDue = new Due(deps, () => {
      this.#ofGroup = true;
      void this.#run();
    });
    this.#lastNs = deps.nowNs();
  }

  /** The database's files are damaged: what is whole of them is put in their place before anything else is written. */
  repair(damage: string): void {
    this.connection.damaged(damage);
    this.now();
  }

  /** Soon: with this turn of the event loop. */
  now(): void {
    if (this.#closing || this.#retry.isWaiting) return;
    if (this.#running) this.#again = true;
    else queueMicrotask(() => void this.#run());
  }

  /** Within a second, whatever the others' interval is. */
  live(): void {
    this.#within(this.#liveDue, Math.min(LIVE_MS, this.wear.intervalMs));
  }

  /** A commit interval after the last batch. */
  withGroup(): void {
    this.#within(this.#groupDue, this.#groupMs());
  }

  /** For receipts alone. */
  lazily(): void {
    if (this.releases.waiting >= MANY_RECEIPTS) this.now();
    else this.#within(this.#groupDue, Math.min(LAZY_MS, Math.max(GATHER_MS, this.#groupMs())));
  }

  /** Resolves when all that is in memory now is on the disk. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.now();
    });
  }

  /** One last attempt; true when nothing stayed behind. */
  async close(): Promise<boolean> {
    this.#closing = true;
    this.#cancel();
    this.#retry.cancel();
    await this.#running;
    let whole = false;
    try {
      // A batch holds up to MAX_BATCH_BYTES: what waits is bounded by memoryBytes, and so are these rounds.
      do whole = await this.#attempt();
      while (!whole && this.failure === undefined && !this.state.backlog.isEmpty);
    } finally {
      await this.connection.close();
    }
    return whole && this.failure === undefined;
  }

  #within(due: Due, ms: number): void {
    if (!this.#closing && !this.#retry.isWaiting) due.within(ms);
  }

  /** What is left of the interval since the last batch, but time enough for company. */
  #groupMs(): number {
    const { intervalMs } = this.wear;
    return Math.max(Math.min(GATHER_MS, intervalMs), intervalMs - this.#sinceLastMs);
  }

  /** Since the last batch was handed over. */
  get #sinceLastMs(): number {
    return Number(this.state.options.deps.nowNs() - this.#lastNs) / 1e6;
  }

  /** A batch takes all that waits along: who comes later has a wish of its own. */
  #cancel(): void {
    this.#liveDue.cancel();
    this.#groupDue.cancel();
  }

  #run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    if (this.#closing || this.#retry.isWaiting) return Promise.resolve();
    this.#running = this.#rounds();
    return this.#running;
  }

  async #rounds(): Promise<void> {
    try {
      do {
        this.#again = false;
        const whole = await this.#attempt();
        if (this.failure !== undefined) break;
        this.#again ||= !whole && !this.state.backlog.isEmpty;
      } while (this.#again && !this.#closing);
    } finally {
      // In the turn of the last look at `again`: who asks a microtask later begins a run, and isn't forgotten.
      this.#running = undefined;
    }
  }

  /** One batch. True when nothing stayed behind. Never rejects for the disk's sake: it retries later. */
  async #attempt(): Promise<boolean> {
    let draft: Draft | undefined;
    let whole = false;
    const waiters = [...this.#waiters];
    const ofGroup = this.#ofGroup;
    this.#ofGroup = false;
    try {
      const db = this.connection.writable ?? (await this.#reopen());
      const hasRoom = await this.#hasRoom();
      await this.disk.room(Math.min(this.state.memory.bytes, MAX_BATCH_BYTES));
      const deleter = new Deleter(this.state, db, this.events.onDoubt);
      await deleter.release(this.releases.take());
      // What comes from now on is in the next one: room is made for what this one holds.
      sealAll(this.state);
      await deleter.evict(this.disk.budgetBytes, hasRoom ? nextBytes(this.state) : 0);
      draft = draw(this.state, deleter, hasRoom ? undefined : this.#alarmBytes());
      whole = isWhole(this.state);
      // Receipts may have come while others were looked up: their wish stands.
      if (whole && this.releases.isEmpty) this.#cancel();
      this.#lastNs = this.state.options.deps.nowNs();
      if (draft) await db.batch(draft.operations);
    } catch (error) {
      await this.#failed(error, draft);
      return false;
    }
    if (this.failure && !this.#isTight) this.#recovered();
    if (this.#wasClosed) this.lookAgain();
    if (!draft) this.releases.landed();
    else this.#landed(draft, ofGroup, this.#sinceLastMs);
    if (whole) this.#resolve(waiters);
    if (this.#isTight) this.#stayTight();
    return whole;
  }

  /** Once a write failed there is no room until the ballast is held again. */
  async #hasRoom(): Promise<boolean> {
    const { ballast } = this.connection;
    if (!this.#isTight || (await ballast.hold())) this.#isTight = false;
    return !this.#isTight;
  }

  /** What frees room is written, and alarms within bounds; the rest waits in memory. */
  #stayTight(): void {
    this.#refused(new StoreError('io', this.state.options.path, 'the disk is full'));
  }

  #alarmBytes(): number {
    return Math.max(0, this.connection.ballast.alarmBytes - this.#tightBytes);
  }

  #recovered(): void {
    this.failure = undefined;
    this.#retry.succeeded();
    this.state.options.deps.log('warn', `${this.state.options.path}: the disk takes writes again`);
  }

  /** Who found nothing while the database was closed, or has passed by what came back, may look again. */
  lookAgain(): void {
    this.#wasClosed = false;
    this.events.onCommit({
      rows: 0,
      classes: LOG_CLASSES.filter((name) => this.state.classes[name].values > 0),
    });
  }

  #landed(draft: Draft, ofGroup: boolean, tookMs: number | undefined): void {
    this.wear.landed({ draft, isFull: this.#isFull(), tookMs, ofGroup });
    this.state.landed(draft);
    // The batch, and the values that were read for what it deletes.
    this.state.memory.copied(draft.bytes + draft.deletedBytes);
    shed(this.state);
    this.releases.landed();
    this.commits += 1;
    this.bytesWritten += draft.bytes;
    this.#tightBytes += draft.bytes;
    this.events.onWrite(draft.bytes + draft.deletedBytes);
    const classes = LOG_CLASSES.filter((name) => draft.taken[name]);
    let rows = 0;
    for (const name of classes) {
      for (const block of draft.taken[name]!) rows += block.count;
      this.committedBlocks += draft.taken[name]!.length;
    }
    this.committedRows += rows;
    const firsts = classes.map((name) => ({ class: name, commit: draft.batch, index: 0 }));
    const live = classes.filter((name) =>
      draft.taken[name]!.some(({ stream }) => this.state.byId(stream)?.isLive),
    );
    if (classes.length > 0) this.events.onCommit({ rows, classes, firsts, live });
  }

  #returned(draft: Draft): void {
    this.state.backlog.returned();
    this.releases.returned();
    this.state.dirty.restore(draft.dirty);
  }

  async #failed(error: unknown, doubtful: Draft | undefined): Promise<void> {
    if (doubtful) this.#doubtful = doubtful;
    else if (!this.#doubtful) this.releases.returned();
    this.connection.failed();
    if (codeOf(error) === 'LEVEL_CORRUPTION') this.connection.damaged(reasonOf(error));
    await this.connection.ballast.giveWay();
    if (!this.#isTight) this.#tightBytes = 0;
    this.#isTight = !this.connection.ballast.isHeld;
    this.#refused(error);
  }

  /** Rows wait in memory, and it is tried again. */
  #refused(error: unknown): void {
    const reason = this.#retry.failed(
      error,
      `${this.state.options.path}: the disk refuses, rows wait in memory`,
    );
    if (this.#closing) this.#retry.cancel();
    this.failure = { since: this.failure?.since ?? this.state.options.deps.nowNs(), reason };
    sealAll(this.state);
    shed(this.state);
  }

  /** Opens the database after a failure, and finds out what is on the disk. */
  async #reopen(): Promise<LevelDb> {
    this.#wasClosed = true;
    const { db, isReplaced } = await this.connection.renew();
    this.state.footers.clear();
    const head = decodeHead(await db.get(HEAD_KEY), this.state.options.deps.native.crc32c);
    const doubtful = this.#doubtful;
    this.#doubtful = undefined;
    if (doubtful && head?.batch === doubtful.batch) this.#landed(doubtful, false, undefined);
    else if (doubtful) this.#returned(doubtful);
    const [found, wanted] = [head?.batch ?? 'none', this.state.batch];
    if (found !== wanted)
      this.state.options.deps.log(
        'error',
        `the disk lost what it had taken: its last batch is ${found} of ${wanted}`,
      );
    if (found !== wanted || isReplaced) {
      // What came back or is gone is in no count.
      this.state.classes = (await recount(db, this.state.options.deps.native)).classes;
      this.state.touchAll();
      this.events.onLoss();
    } else this.events.onReopened();
    return db;
  }

  #resolve(waiters: readonly (() => void)[]): void {
    this.#waiters = this.#waiters.filter((waiter) => !waiters.includes(waiter));
    for (const resolve of waiters) resolve();
  }

  /** From here on each new value pushes an old one out, or soon will. */
  #isFull(): boolean {
    const liveBytes = LOG_CLASSES.reduce((sum, name) => sum + this.state.classes[name].bytes, 0);
    return liveBytes > FULL_SHARE * this.disk.budgetBytes;
  }
}
