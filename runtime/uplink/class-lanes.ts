import type { LogClass } from '../../wire/index.js';
import type { BlockOrder, BlockPosition, Store, StoredBlock } from '../store/types.js';
import { Backoff } from './backoff.js';
import type { Custody } from './custody.js';
import { isBefore, Lane } from './lane.js';
import type { LaneKind } from './share.js';

/** A value holds at most 4096 blocks: one number for one place in a class. */
const MAX_BLOCKS_PER_COMMIT = 4096;

export interface ClassLanesOptions {
  readonly store: Store;
  readonly backlog: BlockOrder;
  readonly random: () => number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Custody `fleet`: what waits for a receipt is passed over, and a class of which too much waits pauses. */
  readonly custody?: Pick<Custody, 'holds' | 'hasRoom'> | undefined;
}

/**
 * One class's ways out. Blocks of before the first commit on this link are the backlog, in the chosen order. From that commit on, blocks
 * of live streams go by the live lane, in order. The others join the backlog: behind it where the oldest goes first, else in front, in order.
 */
export class ClassLanes {
  #old: Lane;
  /** From the first commit on; only where the backlog's order is `newest`. */
  #fresh: Lane | undefined;
  #live: Lane | undefined;
  #liveFrom: BlockPosition | undefined;
  readonly #inFlight = new Set<number>();
  /** Settled since the running read began: it may still bring them. */
  readonly #settledMeanwhile = new Set<number>();
  /** Refused for now: nothing before this, ns. */
  pausedUntilNs = 0n;
  /** One at a time, until one is taken. */
  probing = false;
  /** When the blocks that were put aside are tried again. */
  asideDueNs: bigint | undefined;
  readonly backoff: Backoff;
  readonly asideBackoff: Backoff;

  constructor(
    readonly logClass: LogClass,
    private readonly options: ClassLanesOptions,
  ) {
    const { backoffMinMs, backoffMaxMs, random } = options;
    this.backoff = new Backoff(backoffMinMs, backoffMaxMs, random);
    this.asideBackoff = new Backoff(backoffMinMs, backoffMaxMs, random);
    this.#old = this.#wholeClass();
  }

  #wholeClass(): Lane {
    return this.#lane(this.logClass === 'meta' ? 'oldest' : this.options.backlog);
  }

  /** A lane of the backlog; from the newest down it has nothing of what is new. */
  #lane(order: BlockOrder, from?: BlockPosition): Lane {
    const owns = (block: StoredBlock) =>
      !this.#isFresh(block) || (order === 'oldest' && !this.#isLive(block));
    return new Lane({ class: this.logClass, order, owns, ...before(from) });
  }

  #isLive({ header }: StoredBlock): boolean {
    const { logClass } = this;
    return (
      logClass === 'alarm' || logClass === 'event' || (this.options.store.isLive?.(header.stream) ?? false)
    );
  }

  #isFresh({ position }: StoredBlock): boolean {
    return this.#liveFrom !== undefined && !isBefore(position, this.#liveFrom);
  }

  /** A new link. */
  reset(): void {
    this.#inFlight.clear();
    this.pausedUntilNs = 0n;
    this.probing = false;
    this.asideBackoff.reset();
    this.rewind();
  }

  /** Everything that has no receipt and isn't under way is to be sent, as a backlog. */
  rewind(): void {
    this.#liveFrom = undefined;
    this.#live = undefined;
    this.#fresh = undefined;
    this.#old = this.#wholeClass();
    this.asideDueNs = undefined;
  }

  /** There is a new commit; `first` is where its blocks begin, if it can be told, and `hasLive` whether some are of live streams. */
  committed(first: BlockPosition | undefined, hasLive: boolean): void {
    // The store was closed, and is perhaps another: what was passed by may be there.
    if (!first) this.rewind();
    this.#merge();
    const isNewest = this.#old.order === 'newest';
    this.grew();
    if (!first || this.#liveFrom || !(hasLive || isNewest)) return;
    this.#liveFrom = first;
    const owns = (block: StoredBlock) => this.#isLive(block);
    this.#live = new Lane({ class: this.logClass, order: 'oldest', owns, ...before(first) });
    if (isNewest) this.#fresh = this.#lane('oldest', first);
    this.#old.sift();
  }

  /** With nothing left to choose from, one lane will do: the one that stands at the store's end. */
  #merge(): void {
    if (!this.#live || !this.isDrained) return;
    this.#old = this.#fresh ?? this.#old;
    this.#fresh = undefined;
    this.#live = undefined;
    this.#liveFrom = undefined;
  }

  get #lanes(): readonly Lane[] {
    return [this.#live, this.#fresh, this.#old].filter((lane) => lane !== undefined);
  }

  grew(): void {
    for (const lane of this.#lanes) lane.grew();
  }

  get isDrained(): boolean {
    return this.#old.isDrained && this.#live?.isDrained !== false && this.#fresh?.isDrained !== false;
  }

  wantsRead(nowNs: bigint): boolean {
    if (nowNs < this.pausedUntilNs) return false;
    if (this.#old.wantsRead || this.#live?.wantsRead || this.#fresh?.wantsRead) return true;
    return this.#isAsideDue(nowNs);
  }

  #isAsideDue(nowNs: bigint): boolean {
    return this.asideDueNs !== undefined && nowNs >= this.asideDueNs && this.isDrained;
  }

  /** Reads what is wanted. Not to be called while it runs. */
  async read(nowNs: bigint): Promise<void> {
    if (this.#isAsideDue(nowNs)) this.rewind();
    this.#settledMeanwhile.clear();
    const wanting = this.#lanes.filter((lane) => lane.wantsRead);
    await Promise.all(wanting.map((lane) => lane.read(this.options.store, this.isToSend)));
  }

  /** Of what was read since `read` was last called. */
  readonly isToSend = (block: StoredBlock): boolean => {
    const key = keyOf(block.position);
    const isBegun = this.#inFlight.has(key) || this.#settledMeanwhile.has(key);
    return !isBegun && !this.options.custody?.holds(block);
  };

  peek(kind: LaneKind): StoredBlock | undefined {
    return kind === 'live' ? this.#live?.peek() : (this.#fresh?.peek() ?? this.#old.peek());
  }

  /** Sends what `peek` gave on its way. */
  take(kind: LaneKind): void {
    const lane = kind === 'live' ? this.#live : this.#fresh?.peek() ? this.#fresh : this.#old;
    const block = lane?.peek();
    if (!lane || !block) return;
    lane.pass();
    this.#inFlight.add(keyOf(block.position));
  }

  isUnderWay(position: BlockPosition): boolean {
    return this.#inFlight.has(keyOf(position));
  }

  /** It is no longer under way. */
  landed(position: BlockPosition): void {
    const key = keyOf(position);
    this.#inFlight.delete(key);
    this.#settledMeanwhile.add(key);
  }

  mayGo(nowNs: bigint): boolean {
    if (this.options.custody?.hasRoom(this.logClass) === false) return false;
    return nowNs >= this.pausedUntilNs && !(this.probing && this.#inFlight.size > 0);
  }
}

/** For a lane that begins with `first`. */
function before(first: BlockPosition | undefined): { after?: BlockPosition } {
  return first ? { after: { ...first, index: first.index - 1 } } : {};
}

function keyOf({ commit, index }: BlockPosition): number {
  return commit * MAX_BLOCKS_PER_COMMIT + index;
}
