import type { LogClass } from '../../../wire/index.js';
import type { World } from '../run/world.js';
import { TAKEN } from './track.js';

const DAY_NS = 86_400e9;
/** docs/config.md, Budgets of bytes: two segments of 52 bytes for each 1400 bytes or part of them, seven for opening and closing. */
const SEGMENT_BYTES = 1400;
const SEGMENTS_BYTES = 2 * 52;
const OPENING_BYTES = 7 * 52;
/** What each class leaves of a day's bytes to those before it (docs/config.md); live telemetry a tenth. */
const LEAVES: Readonly<Record<LogClass, number>> = {
  alarm: Number.NEGATIVE_INFINITY,
  meta: 0,
  event: 0,
  telemetry: 0.2,
  bulk: 0.3,
  log: 0.4,
};
const LIVE_LEAVES = 0.1;
/** What the product's count may differ by: bytes under way when it looks, and headers of what goes together. */
const TOLERANCE = 0.05;
const TOLERANCE_BYTES = 8000;

/** The file says less than is left, so that a crash forgets no use: some percent of the day's bytes a start. */
const FORGOTTEN = 0.06;
const ALARM_NS = 300e9;
/** So long after a connection began, alarms may come again whose answers got lost. */
const AGAIN_NS = 60e9;
const REFUSALS = new Set(['diskFull', 'diskError', 'readOnly']);

/** The budget of the metered way, kept once more: who may still send, by what the documents promise. */
export class BudgetWatch {
  #leftBytes: number;
  #atNs = 0;
  #starts = 0;
  #alarmNs = Number.NEGATIVE_INFINITY;
  #openedNs = Number.NEGATIVE_INFINITY;

  constructor(readonly world: World) {
    this.#leftBytes = this.#dayBytes;
  }

  get #dayBytes(): number {
    return this.world.scenario.uplink.budget?.bytesPerDay ?? Number.POSITIVE_INFINITY;
  }

  /** Filled by the time that the machine runs. */
  get leftBytes(): number {
    const { kernel, life } = this.world;
    if (life) {
      const refilled = (this.#dayBytes * (kernel.nowNs - this.#atNs)) / DAY_NS;
      this.#leftBytes = Math.min(this.#dayBytes, this.#leftBytes + refilled);
    }
    this.#atNs = kernel.nowNs;
    return this.#leftBytes;
  }

  opened(): void {
    this.#openedNs = this.world.kernel.nowNs;
    this.#spend(OPENING_BYTES);
  }

  carried(bytes: number): void {
    this.#spend(bytes + SEGMENTS_BYTES * Math.ceil(bytes / SEGMENT_BYTES));
  }

  #spend(bytes: number): void {
    this.#leftBytes = Math.max(-this.#dayBytes, this.leftBytes - bytes);
  }

  /** A process begins. Where the disk may have refused to keep what is left, it begins with anything. */
  begins(): void {
    this.#atNs = this.world.kernel.nowNs;
    this.#starts += 1;
    if (this.#mayForget) this.#leftBytes = this.#dayBytes;
  }

  get #mayForget(): boolean {
    return this.world.scenario.faults.some(({ kind }) => REFUSALS.has(kind));
  }

  /** A process ends: nothing fills until the next begins. */
  ends(): number {
    return this.leftBytes;
  }

  /** A block of the class is about to go. */
  sends(logClass: LogClass, isLive: boolean): void {
    const { oracle, scenario } = this.world;
    if (!scenario.uplink.budget) return;
    const leaves = isLive ? Math.min(LIVE_LEAVES, LEAVES[logClass]) : LEAVES[logClass];
    const least = (leaves - TOLERANCE) * this.#dayBytes - TOLERANCE_BYTES;
    if (logClass === 'alarm') this.#alarmNs = this.world.kernel.nowNs;
    if (this.leftBytes < least && !(logClass === 'meta' && this.#isAlarmAbout))
      oracle.fail(
        'budget',
        `${logClass} is sent with ${this.#leftBytes.toFixed(0)} of ${this.#dayBytes} bytes left, and leaves ${leaves}`,
      );
  }

  /** An alarm is to be sent, or was a moment ago: it takes along what it is understood by. */
  get #isAlarmAbout(): boolean {
    const { nowNs } = this.world.kernel;
    if (nowNs - this.#alarmNs < ALARM_NS || nowNs - this.#openedNs < AGAIN_NS) return true;
    const isAlarm = (stream: string): boolean =>
      this.world.scenario.streams.some((plan) => plan.id === stream && plan.class === 'alarm');
    for (const { stream, blocks, flags } of this.world.oracle.tracks) {
      if (isAlarm(stream) && [...blocks.keys()].some((first) => (flags(first) & TAKEN) === 0)) return true;
    }
    return false;
  }

  /** Whether live telemetry may go now for certain. */
  get isAmple(): boolean {
    if (this.#dayBytes === Number.POSITIVE_INFINITY) return true;
    const forgotten = this.#starts * FORGOTTEN;
    return (
      !this.#mayForget &&
      this.leftBytes > (LIVE_LEAVES + 2 * TOLERANCE + forgotten) * this.#dayBytes + 2 * TOLERANCE_BYTES
    );
  }
}
