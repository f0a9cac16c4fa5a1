import { LOG_CLASSES, type LogClass } from '../../wire/index.js';
import type { BlockPosition, Store, StoredBlock } from '../store/types.js';
import { Backoff } from './backoff.js';
import type { Custody } from './custody.js';
import { Lane, positionKey } from './lane.js';

/** Classes whose new blocks need not wait for the old ones. */
const LIVE_CLASSES: readonly LogClass[] = ['alarm', 'event', 'telemetry'];

export interface LanesOptions {
  readonly store: Store;
  readonly nowNs: () => bigint;
  readonly random: () => number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Custody `fleet`: what waits for a receipt is passed over, and a class of which too much waits pauses. */
  readonly custody?: Pick<Custody, 'holds' | 'hasRoom'> | undefined;
}

/** One class's way out: what is to be sent of it, and whether it may be now. */
interface ClassLane {
  backlog: Lane;
  /** Beside the backlog, from the first commit that came while it drained. */
  live: Lane | undefined;
  /** Refused for now: nothing before this. */
  pausedUntilNs: bigint;
  /** One at a time, until one is taken. */
  probing: boolean;
  inFlight: number;
  /** When the blocks that were put aside are tried again. */
  asideDueNs: bigint | undefined;
  readonly backoff: Backoff;
  readonly asideBackoff: Backoff;
}

/**
 * Chooses the next block: `meta` first; then, turn by turn, the first live lane and the first lane of all, in the order of the classes. So
 * new alarms, events and readings leave beside a backlog, which keeps at least half of the slots.
 */
export class Lanes {
  readonly #classes: ReadonlyMap<LogClass, ClassLane>;
  readonly #inFlight = new Set<string>();
  #liveTurn = true;
  #reading = false;
  /** Settled since the running read began: it may still bring them. */
  readonly #settledMeanwhile = new Set<string>();
  #metaIsStale = false;

  constructor(private readonly options: LanesOptions) {
    this.#classes = new Map(LOG_CLASSES.map((logClass) => [logClass, this.#classLane(logClass)]));
  }

  #classLane(logClass: LogClass): ClassLane {
    const { backoffMinMs, backoffMaxMs, random } = this.options;
    return {
      backlog: new Lane(logClass),
      live: undefined,
      pausedUntilNs: 0n,
      probing: false,
      inFlight: 0,
      asideDueNs: undefined,
      backoff: new Backoff(backoffMinMs, backoffMaxMs, random),
      asideBackoff: new Backoff(backoffMinMs, backoffMaxMs, random),
    };
  }

  /** A new link: everything that has no receipt is to be sent. */
  reset(): void {
    this.#inFlight.clear();
    for (const lane of this.#classes.values()) {
      lane.inFlight = 0;
      lane.pausedUntilNs = 0n;
      lane.probing = false;
      lane.asideBackoff.reset();
      this.#rewind(lane);
    }
  }

  committed(classes: readonly LogClass[], firsts: readonly BlockPosition[]): void {
    for (const logClass of classes) {
      const lane = this.#classes.get(logClass)!;
      lane.backlog.grew();
      lane.live?.grew();
      if (logClass === 'alarm') this.#pauseAtMost(lane, this.options.backoffMinMs);
    }
    for (const first of firsts) this.#openLive(first);
  }

  /** A lane in the middle of a backlog gets a live one beside it, from this commit on. */
  #openLive(first: BlockPosition): void {
    const lane = this.#classes.get(first.class)!;
    if (lane.live || lane.backlog.live || !LIVE_CLASSES.includes(first.class)) return;
    lane.live = new Lane(first.class, { ...first, index: first.index - 1 });
    lane.live.live = true;
    lane.backlog.endAt(first);
  }

  /** A lane is empty and there is more of it, and nothing is being read. */
  get wantsFill(): boolean {
    return !this.#reading && this.#wanting().length > 0;
  }

  /** Reads what is wanted. Not to be called while it runs. */
  async fill(): Promise<void> {
    this.#reading = true;
    this.#settledMeanwhile.clear();
    try {
      await this.#read(this.#wanting());
    } finally {
      this.#reading = false;
    }
  }

  #wanting(): Lane[] {
    const nowNs = this.options.nowNs();
    const wanting: Lane[] = [];
    for (const lane of this.#classes.values()) {
      this.#retryAside(lane, nowNs);
      if (nowNs < lane.pausedUntilNs) continue;
      if (lane.backlog.isOver && lane.live) this.#mergeLive(lane, lane.live);
      for (const one of [lane.backlog, lane.live]) if (one?.wantsRead) wanting.push(one);
    }
    return wanting;
  }

  /** Meta is read last, and nothing goes meanwhile: what was committed before a block is then seen before the block is sent. */
  async #read(wanting: readonly Lane[]): Promise<void> {
    const meta = this.#classes.get('meta')!.backlog;
    this.#metaIsStale = true;
    await Promise.all(wanting.filter((lane) => lane !== meta).map((lane) => this.#readLane(lane)));
    meta.grew();
    if (meta.wantsRead) await this.#readLane(meta);
    this.#metaIsStale = false;
  }

  async #readLane(lane: Lane): Promise<void> {
    await lane.read(this.options.store);
    lane.drop(this.#settledMeanwhile);
  }

  #mergeLive(lane: ClassLane, live: Lane): void {
    lane.backlog = live;
    lane.live = undefined;
  }

  #rewind(lane: ClassLane): void {
    lane.backlog = new Lane(lane.backlog.logClass);
    lane.live = undefined;
    lane.asideDueNs = undefined;
  }

  #retryAside(lane: ClassLane, nowNs: bigint): void {
    if (lane.asideDueNs === undefined || nowNs < lane.asideDueNs) return;
    if (lane.backlog.isDrained && !lane.live) this.#rewind(lane);
  }

  /** The next block to send, or `undefined`: nothing is in memory, or nothing may go now. */
  next(): StoredBlock | undefined {
    const meta = this.#classes.get('meta')!;
    const metaMayGo = this.#mayGo(meta);
    const first = metaMayGo ? this.#takeFrom(meta.backlog) : undefined;
    if (first) return first;
    if (metaMayGo && (this.#metaIsStale || meta.backlog.wantsRead)) return undefined;
    this.#liveTurn = !this.#liveTurn;
    return (this.#liveTurn ? this.#choose(true) : undefined) ?? this.#choose(false);
  }

  #choose(liveOnly: boolean): StoredBlock | undefined {
    for (const [logClass, lane] of this.#classes) {
      if (logClass === 'meta' || !this.#mayGo(lane)) continue;
      for (const one of [lane.backlog, lane.live]) {
        if (!one || (liveOnly && !(one.live && LIVE_CLASSES.includes(logClass)))) continue;
        const block = this.#takeFrom(one);
        if (block) return block;
      }
    }
    return undefined;
  }

  #takeFrom(lane: Lane): StoredBlock | undefined {
    for (let block = lane.take(); block; block = lane.take()) {
      const key = positionKey(block.position);
      if (this.#inFlight.has(key) || this.options.custody?.holds(block)) continue;
      this.#inFlight.add(key);
      this.#classes.get(block.position.class)!.inFlight++;
      return block;
    }
    return undefined;
  }

  #mayGo(lane: ClassLane): boolean {
    if (this.options.custody?.hasRoom(lane.backlog.logClass) === false) return false;
    return this.options.nowNs() >= lane.pausedUntilNs && !(lane.probing && lane.inFlight > 0);
  }

  /** The block was taken, or will never be: it is out of the way. */
  settled(position: BlockPosition, taken: boolean): void {
    const lane = this.#landed(position);
    this.#forget(lane, positionKey(position));
    if (!taken) return;
    lane.probing = false;
    lane.backoff.reset();
    // Somebody listens now: descriptors that were refused come first.
    const meta = this.#classes.get('meta')!;
    if (meta.probing) meta.pausedUntilNs = 0n;
  }

  /** The class is refused: all of it waits, and starts over at its oldest. Gives the wait in ms. */
  later(position: BlockPosition): number {
    const lane = this.#landed(position);
    const nowNs = this.options.nowNs();
    this.#rewind(lane);
    lane.probing = true;
    if (nowNs < lane.pausedUntilNs) return Number((lane.pausedUntilNs - nowNs) / 1_000_000n);
    const waitMs = lane.backoff.nextMs();
    lane.pausedUntilNs = nowNs + BigInt(waitMs) * 1_000_000n;
    return waitMs;
  }

  /** This block is refused: the next ones are tried, one at a time, and it again when the lane has drained. Gives the pause in ms. */
  aside(position: BlockPosition): number {
    const lane = this.#landed(position);
    const nowNs = this.options.nowNs();
    lane.probing = true;
    lane.asideDueNs ??= nowNs + BigInt(lane.asideBackoff.nextMs()) * 1_000_000n;
    lane.pausedUntilNs = nowNs + BigInt(this.options.backoffMinMs) * 1_000_000n;
    return this.options.backoffMinMs;
  }

  #landed(position: BlockPosition): ClassLane {
    const lane = this.#classes.get(position.class)!;
    if (this.#inFlight.delete(positionKey(position))) lane.inFlight--;
    return lane;
  }

  /** A page that was read while the block was under way may hold it. */
  #forget(lane: ClassLane, key: string): void {
    const keys = new Set([key]);
    lane.backlog.drop(keys);
    lane.live?.drop(keys);
    if (this.#reading) this.#settledMeanwhile.add(key);
  }

  #pauseAtMost(lane: ClassLane, ms: number): void {
    const latestNs = this.options.nowNs() + BigInt(ms) * 1_000_000n;
    if (lane.pausedUntilNs > latestNs) lane.pausedUntilNs = latestNs;
  }

  /** When a pause or a wait ends next, for a timer. */
  nextDueNs(): bigint | undefined {
    const nowNs = this.options.nowNs();
    let due: bigint | undefined;
    for (const lane of this.#classes.values()) {
      for (const at of [lane.pausedUntilNs, lane.asideDueNs]) {
        if (at !== undefined && at > nowNs && (due === undefined || at < due)) due = at;
      }
    }
    return due;
  }
}
