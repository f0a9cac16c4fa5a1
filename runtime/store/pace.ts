import { FASTEST_MS, GROUP_BYTES, intervalMs, SLOWEST_MS } from './flash.js';
import { Rate, secondsBetween } from './rate.js';

/** So much of the budget may be saved up for a burst, s. */
const SAVED_S = 86_400;
/** What is written besides group commits is looked at over so long, s. */
const LOOK_S = 600;
/** A device that counts less than this of what the model says is taken to count late. */
const LEAST_SHARE = 1 / 4;

/**
 * How far apart group commits are, so that what is written stays within a budget of bytes a second. A bucket of one day's budget fills at
 * that rate and empties by what is written; half full, just the budget may be spent; full, twice as much; empty, nothing. What can't be
 * slowed (alarms, live streams, compaction, other programs on the device) is served first: the group gets what is left. The bucket moves
 * in half a day, what it is compared with in ten minutes: it can't swing.
 */
export class Pace {
  #levelBytes: number;
  readonly #written: Rate;
  readonly #groups: Rate;

  constructor(
    readonly budgetBytesPerS: number,
    private atNs: bigint,
    /** As it was when the store was last written. */
    levelBytes: number | undefined,
  ) {
    this.#levelBytes = Math.min(levelBytes ?? this.#capacity / 2, this.#capacity);
    this.#written = new Rate(LOOK_S, atNs);
    this.#groups = new Rate(LOOK_S, atNs);
  }

  get levelBytes(): number {
    return this.#levelBytes;
  }

  /** So much reached the device, whoever wrote it. */
  wrote(bytes: number, nowNs: bigint): void {
    this.#passTo(nowNs);
    this.#levelBytes = Math.max(0, this.#levelBytes - bytes);
    this.#written.add(bytes, nowNs);
  }

  /** A group commit was made; what it wrote is told by `wrote`. */
  group(nowNs: bigint): void {
    this.#groups.add(GROUP_BYTES, nowNs);
  }

  /** Bytes a second that are written besides group commits. */
  otherBytesPerS(nowNs: bigint): number {
    return Math.max(0, this.#written.perS(nowNs) - this.#groups.perS(nowNs));
  }

  intervalMs(nowNs: bigint): number {
    this.#passTo(nowNs);
    const allowed = (2 * this.budgetBytesPerS * this.#levelBytes) / this.#capacity;
    const ms = intervalMs(this.#groupBytes(nowNs), allowed, this.otherBytesPerS(nowNs));
    return Math.min(SLOWEST_MS, Math.max(FASTEST_MS, ms));
  }

  /** Less than the model says where all that was written is less. */
  #groupBytes(nowNs: bigint): number {
    const modelled = this.#groups.perS(nowNs);
    const share = modelled > 0 ? this.#written.perS(nowNs) / modelled : 1;
    return GROUP_BYTES * Math.min(1, Math.max(LEAST_SHARE, share));
  }

  get #capacity(): number {
    return SAVED_S * this.budgetBytesPerS;
  }

  #passTo(nowNs: bigint): void {
    const saved = secondsBetween(this.atNs, nowNs) * this.budgetBytesPerS;
    this.#levelBytes = Math.min(this.#capacity, this.#levelBytes + saved);
    this.atNs = nowNs;
  }
}
