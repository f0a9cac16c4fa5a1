import { LOG_CLASSES, type LogClass } from '../../wire/index.js';
import type { BlockPosition, StoreCommit, StoredBlock } from '../store/types.js';
import { ClassLanes, type ClassLanesOptions } from './class-lanes.js';
import { type LaneKind, Share } from './share.js';
import { Undescribed } from './undescribed.js';

/** What MQTT, TCP and IP add to a block, about: small blocks are not as cheap as they look. */
const MESSAGE_BYTES = 100;

export interface LanesOptions extends ClassLanesOptions {
  readonly nowNs: () => bigint;
  /** Whether a budget lets a class go now; absent: always. */
  readonly affords?: ((logClass: LogClass, kind: LaneKind) => boolean) | undefined;
}

/** The next block to send, and by which lane. */
export interface Choice {
  readonly block: StoredBlock;
  readonly kind: LaneKind;
}

/**
 * Chooses the next block: `meta` first, but for alarms whose descriptor has gone; then live blocks beside the backlog, which keeps its share
 * of the bytes; in each lane the classes in their order.
 */
export class Lanes {
  readonly #meta: ClassLanes;
  readonly #alarms: ClassLanes;
  readonly #undescribed = new Undescribed();
  /** Without meta, in their order. */
  readonly #classes: readonly ClassLanes[];
  readonly #byName: ReadonlyMap<LogClass, ClassLanes>;
  readonly #share = new Share();
  #reading = false;
  #metaIsStale = false;

  constructor(private readonly options: LanesOptions) {
    const all = LOG_CLASSES.map((logClass) => new ClassLanes(logClass, options));
    this.#byName = new Map(all.map((one) => [one.logClass, one]));
    this.#meta = this.#of('meta');
    this.#alarms = this.#of('alarm');
    this.#classes = all.filter((one) => one !== this.#meta);
  }

  #of(logClass: LogClass): ClassLanes {
    return this.#byName.get(logClass)!;
  }

  /** A new link: everything that has no receipt is to be sent. */
  reset(): void {
    for (const one of this.#byName.values()) one.reset();
    this.#undescribed.rewind();
  }

  committed({ classes, firsts = [], live = [] }: StoreCommit): void {
    for (const logClass of classes) {
      const one = this.#of(logClass);
      const first = firsts.find((position) => position.class === logClass);
      one.committed(first, live.includes(logClass));
      if (logClass === 'meta') this.#undescribed[first ? 'grew' : 'rewind']();
      if (logClass === 'alarm') this.#pauseAtMost(one, this.options.backoffMinMs);
    }
  }

  /** What is there to send isn't known yet. */
  get isReading(): boolean {
    return this.#reading;
  }

  /** A lane is empty and there is more of it, and nothing is being read. */
  wantsFill(nowNs: bigint): boolean {
    if (this.#reading) return false;
    for (const one of this.#byName.values()) if (one.wantsRead(nowNs)) return true;
    return this.#wantsLook(nowNs);
  }

  /** An alarm waits for meta, and perhaps for none of it. */
  #wantsLook(nowNs: bigint): boolean {
    return this.#hasAlarm && this.#meta.mayGo(nowNs) && !this.#meta.isDrained && this.#undescribed.wantsRead;
  }

  /**
   * Reads what is wanted; nothing is to be chosen meanwhile. Meta is read last: what was committed before a block is then seen before
   * the block is sent. Not to be called while it runs.
   */
  async fill(): Promise<void> {
    this.#reading = true;
    this.#metaIsStale = true;
    const nowNs = this.options.nowNs();
    try {
      const wanting = this.#classes.filter((one) => one.wantsRead(nowNs));
      await Promise.all(wanting.map((one) => one.read(nowNs)));
      if (!this.#meta.wantsRead(nowNs)) this.#meta.grew();
      await this.#meta.read(nowNs);
      this.#metaIsStale = false;
      if (this.#wantsLook(nowNs)) await this.#undescribed.read(this.options.store, this.#meta.isToSend);
    } finally {
      this.#reading = false;
    }
  }

  /** The next block to send, or `undefined`: nothing is in memory, or nothing may go now. To be asked anew after anything happened. */
  choose(nowNs: bigint): Choice | undefined {
    if (this.#reading) return undefined;
    if (this.#meta.mayGo(nowNs) && (this.#affords('meta', 'backlog') || this.#hasAlarm)) {
      const alarm = this.#describedAlarm(nowNs);
      if (alarm) return alarm;
      const block = this.#meta.peek('backlog');
      if (block) return { block, kind: 'backlog' };
      if (this.#metaIsStale || !this.#meta.isDrained) return undefined;
    }
    const live = this.#first('live', nowNs);
    const backlog = this.#first('backlog', nowNs);
    const kind = this.#share.choose(live !== undefined, backlog !== undefined);
    const block = kind === 'live' ? live : backlog;
    return block && { block, kind };
  }

  /** An alarm passes whatever a budget says, and so does what it is understood by. */
  get #hasAlarm(): boolean {
    return this.#alarms.peek('live') !== undefined || this.#alarms.peek('backlog') !== undefined;
  }

  /** An alarm that needs none of the meta that waits. */
  #describedAlarm(nowNs: bigint): Choice | undefined {
    if (this.#metaIsStale || !this.#alarms.mayGo(nowNs)) return undefined;
    for (const kind of ['live', 'backlog'] as const) {
      const block = this.#alarms.peek(kind);
      if (block && this.#affords('alarm', kind) && this.#undescribed.hasSent(block.header))
        return { block, kind };
    }
    return undefined;
  }

  #first(kind: LaneKind, nowNs: bigint): StoredBlock | undefined {
    for (const one of this.#classes) {
      const block = one.peek(kind);
      if (block && one.mayGo(nowNs) && this.#affords(one.logClass, kind)) return block;
    }
    return undefined;
  }

  #affords(logClass: LogClass, kind: LaneKind): boolean {
    return this.options.affords?.(logClass, kind) ?? true;
  }

  isUnderWay({ position }: StoredBlock): boolean {
    return this.#of(position.class).isUnderWay(position);
  }

  /** Some of the class is gone that may be in memory. */
  rewind(logClass: LogClass): void {
    this.#of(logClass).rewind();
    if (logClass === 'meta') this.#undescribed.rewind();
  }

  /** What `choose` gave goes on its way. */
  take({ block, kind }: Choice): void {
    const one = this.#of(block.position.class);
    one.take(kind);
    if (one === this.#meta) this.#undescribed.sent(block.position);
    else this.#share.sent(kind, block.bytes.length + MESSAGE_BYTES);
  }

  /** The block was taken, or will never be: it is out of the way. */
  settled(position: BlockPosition, taken: boolean): void {
    const one = this.#of(position.class);
    one.landed(position);
    if (!taken) return;
    one.probing = false;
    one.backoff.reset();
    // Somebody listens now: descriptors that were refused come first.
    if (this.#meta.probing) this.#meta.pausedUntilNs = 0n;
  }

  /** The class is refused: all of it waits, and starts over as a backlog. Gives the wait in ms. */
  later(position: BlockPosition): number {
    const one = this.#of(position.class);
    const nowNs = this.options.nowNs();
    one.landed(position);
    this.rewind(position.class);
    one.probing = true;
    if (nowNs < one.pausedUntilNs) return Number((one.pausedUntilNs - nowNs) / 1_000_000n);
    const waitMs = one.backoff.nextMs();
    one.pausedUntilNs = nowNs + BigInt(waitMs) * 1_000_000n;
    return waitMs;
  }

  /** This block is refused: the next ones are tried, one at a time, and it again when the lane has drained. Gives the pause in ms. */
  aside(position: BlockPosition): number {
    const one = this.#of(position.class);
    const nowNs = this.options.nowNs();
    one.landed(position);
    one.probing = true;
    one.asideDueNs ??= nowNs + BigInt(one.asideBackoff.nextMs()) * 1_000_000n;
    one.pausedUntilNs = nowNs + BigInt(this.options.backoffMinMs) * 1_000_000n;
    return this.options.backoffMinMs;
  }

  #pauseAtMost(one: ClassLanes, ms: number): void {
    const latestNs = this.options.nowNs() + BigInt(ms) * 1_000_000n;
    if (one.pausedUntilNs > latestNs) one.pausedUntilNs = latestNs;
  }

  /** When a pause or a wait ends next, for a timer. */
  nextDueNs(): bigint | undefined {
    const nowNs = this.options.nowNs();
    let due: bigint | undefined;
    for (const one of this.#byName.values()) {
      for (const at of [one.pausedUntilNs, one.asideDueNs]) {
        if (at !== undefined && at > nowNs && (due === undefined || at < due)) due = at;
      }
    }
    return due;
  }
}
