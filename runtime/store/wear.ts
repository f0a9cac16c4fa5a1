import { LOG_CLASSES, type LogClass } from '../../wire/index.js';
import type { Draft } from './draft.js';
import { reasonOf } from './error.js';
import {
  budgetBytesPerS,
  contentBytes,
  enduranceBytes,
  type Flash,
  flashOf,
  RESERVE_BYTES,
  STORE_SHARE,
  SYNC_BYTES,
} from './flash.js';
import type { StorageDevice, StoreOptions } from './options.js';
import { Pace } from './pace.js';
import { Rate, secondsBetween } from './rate.js';
import type { StoreState } from './state.js';
import type { Stream } from './stream.js';
import type { FlashStatus, LossWindow } from './types.js';

/** The device is asked this often at most, s. */
const LOOK_S = 10;
/** What `status` calls the present rate is over about so long, s. */
const NOW_S = 3600;
/** Rows a second, for the window: over about so long, s. */
const ROWS_S = 600;
/** Rows of live streams are under way to the disk this late at most: what is left of their second is the sync's. */
export const LIVE_MS = 800;
/** Numbers are reserved so many commit intervals ahead: renewed at half, that is one page an interval. */
const RESERVED_INTERVALS = 2;
const RESERVED_MOST_MS = 600_000;
const DAY_S = 86_400;

type Lane = LogClass | 'live';

/** One batch that the disk has. */
export interface Written {
  readonly draft: Draft;
  /** The store deletes to make room. */
  readonly isFull: boolean;
  /** From the call to the sync; `undefined` for one that was found to be there after a failure. */
  readonly tookMs: number | undefined;
  /** Nothing asked for it but the interval. */
  readonly ofGroup: boolean;
}

/**
 * What the store asks of the flash: counts it, holds it against the budget, and sets the commit interval by it. Half the budget is the
 * store's own, spent by the model of what it writes. Where the kernel counts the device's sectors, the store may also have what is left of
 * the whole: then that count is what is spent, whoever wrote it, and whatever the model says.
 */
export class Wear {
  readonly flash: Flash;
  readonly #own: Pace;
  /** Where the device counts. */
  readonly #whole: Pace | undefined;
  readonly #startNs: bigint;
  readonly #rate: Rate;
  readonly #rows = new Map<Lane, Rate>();
  /** In the store's life. */
  #writtenBytes: number;
  #sinceStartBytes = 0;
  #modelBytes = 0;
  #payloadBytes = 0;
  #storedRows = 0;
  #syncMs = 0;
  #counterBytes: number | undefined;
  #lookedNs: bigint;
  #isLooking = false;

  static async open(state: StoreState): Promise<Wear> {
    return new Wear(state, await look(state.options));
  }

  private constructor(
    readonly state: StoreState,
    readonly device: StorageDevice | undefined,
  ) {
    const now = state.options.deps.nowNs();
    this.flash = flashOf(state.options.flash, device);
    this.#counterBytes = device?.writtenBytes;
    const budget = budgetBytesPerS(this.flash);
    this.#own = new Pace(STORE_SHARE * budget, now, state.wear?.ownLevelBytes);
    this.#whole = this.isMeasured ? new Pace(budget, now, state.wear?.deviceLevelBytes) : undefined;
    this.#startNs = now;
    this.#writtenBytes = state.wear?.writtenBytes ?? 0;
    this.#lookedNs = now;
    this.#rate = new Rate(NOW_S, now);
    for (const lane of [...LOG_CLASSES, 'live'] as const) this.#rows.set(lane, new Rate(ROWS_S, now));
  }

  /** Of what reaches the device, bytes a second. */
  get budgetBytesPerS(): number {
    return budgetBytesPerS(this.flash) * (this.isMeasured ? 1 : STORE_SHARE);
  }

  /** By the device's own count. */
  get isMeasured(): boolean {
    return this.device?.writtenBytes !== undefined;
  }

  /** How far apart group commits are now. */
  get intervalMs(): number {
    const { commitIntervalMs } = this.state.options;
    if (commitIntervalMs !== 'auto') return commitIntervalMs;
    const now = this.#now;
    return Math.min(this.#own.intervalMs(now), this.#whole?.intervalMs(now) ?? Number.POSITIVE_INFINITY);
  }

  get reserveAheadMs(): number {
    const following = Math.min(RESERVED_MOST_MS, RESERVED_INTERVALS * this.intervalMs);
    return Math.max(this.state.options.reserveAheadMs, following);
  }

  /** The reserve was renewed. */
  reserved(): void {
    this.#spend(RESERVE_BYTES);
  }

  landed({ draft, isFull, tookMs, ofGroup }: Written): void {
    const now = this.#now;
    if (tookMs !== undefined) this.#syncMs += (tookMs - this.#syncMs) / 8;
    for (const blocks of Object.values(draft.taken)) {
      for (const { stream, count, bytes } of blocks) {
        this.#rows.get(laneOf(stream))?.add(count, now);
        this.#payloadBytes += bytes.length;
        this.#storedRows += count;
      }
    }
    if (ofGroup) for (const pace of [this.#own, this.#whole]) pace?.group(now);
    this.#spend(SYNC_BYTES + contentBytes(draft.bytes, isFull));
    if (this.isMeasured && !this.#isLooking && secondsBetween(this.#lookedNs, now) >= LOOK_S) {
      this.#isLooking = true;
      this.#lookedNs = now;
      void this.#look();
    }
    this.#keep();
  }

  status(): FlashStatus {
    const now = this.#now;
    const upS = Math.max(1, secondsBetween(this.#startNs, now));
    const writtenBytes = this.#writtenBytes;
    const endurance = enduranceBytes(this.flash) * (this.isMeasured ? 1 : STORE_SHARE);
    const left = (perS: number) =>
      perS > 0 ? Math.max(0, endurance - writtenBytes) / perS / DAY_S : undefined;
    const sinceStart = this.#sinceStartBytes / upS;
    return {
      ...this.flash,
      device: this.device?.name,
      isMeasured: this.isMeasured,
      writtenBytes,
      enduranceBytes: endurance,
      bytesPerDay: this.#rate.perS(now) * DAY_S,
      lookedS: this.#rate.lookedS(now),
      bytesPerDaySinceStart: sinceStart * DAY_S,
      budgetBytesPerDay: this.budgetBytesPerS * DAY_S,
      daysLeft: left(this.#rate.perS(now)),
      daysLeftSinceStart: left(sinceStart),
      bytesPerRow: this.#storedRows > 0 ? this.#modelBytes / this.#storedRows : undefined,
      bytesPerPayloadByte: this.#payloadBytes > 0 ? this.#modelBytes / this.#payloadBytes : undefined,
      commitIntervalMs: this.intervalMs,
      isAuto: this.state.options.commitIntervalMs === 'auto',
      otherBytesPerDay: (this.#whole ?? this.#own).otherBytesPerS(now) * DAY_S,
      windows: this.#windows(now),
    };
  }

  /** What a power cut can cost: what waits for its commit, and what is under way. */
  #windows(now: bigint): readonly LossWindow[] {
    const of = (lane: Lane, waitMs: number): LossWindow => {
      const ms = Math.ceil(waitMs + this.#syncMs);
      return { of: lane, ms, rows: Math.ceil((this.#rows.get(lane)!.perS(now) * ms) / 1000) };
    };
    const liveMs = Math.min(LIVE_MS, this.intervalMs);
    const groups = ['telemetry', 'bulk', 'log'] as const;
    return [
      of('alarm', 0),
      of('event', liveMs),
      of('live', liveMs),
      ...groups.map((lane) => of(lane, this.intervalMs)),
    ];
  }

  /** By the model; it is what was written where the device can't say better. */
  #spend(bytes: number): void {
    this.#modelBytes += bytes;
    this.#own.wrote(bytes, this.#now);
    if (!this.isMeasured) this.#wrote(bytes);
  }

  #wrote(bytes: number): void {
    const now = this.#now;
    this.#sinceStartBytes += bytes;
    this.#rate.add(bytes, now);
    this.#whole?.wrote(bytes, now);
    this.#writtenBytes += bytes;
    this.#keep();
  }

  /** The next batch takes it along, and its own sync with it. */
  #keep(): void {
    this.state.wear = {
      writtenBytes: Math.round(this.#writtenBytes) + SYNC_BYTES,
      ownLevelBytes: saved(this.#own),
      deviceLevelBytes: saved(this.#whole ?? this.#own),
    };
  }

  async #look(): Promise<void> {
    const counted = (await look(this.state.options))?.writtenBytes;
    this.#isLooking = false;
    if (counted === undefined) return;
    // A counter that went back is another device's, or another start's.
    this.#wrote(Math.max(0, counted - (this.#counterBytes ?? counted)));
    this.#counterBytes = counted;
  }

  get #now(): bigint {
    return this.state.options.deps.nowNs();
  }
}

/** Not knowing the device is no reason to stop. */
async function look({ path, deps }: StoreOptions): Promise<StorageDevice | undefined> {
  try {
    return await deps.files.device?.(path);
  } catch (error) {
    deps.log('info', `${path}: what it lies on can't be told: ${reasonOf(error)}`);
    return undefined;
  }
}

function laneOf(stream: Stream): Lane {
  const isNamed = stream.class === 'alarm' || stream.class === 'event' || stream.class === 'meta';
  return stream.declaredLive && !isNamed ? 'live' : stream.class;
}

function saved({ levelBytes }: Pace): number {
  return Math.max(0, Math.round(levelBytes) - SYNC_BYTES);
}
