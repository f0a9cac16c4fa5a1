import { correctRollOver } from './conversion.js';
import type { Epoch } from './epoch.js';
import type { Utc } from './rows.js';

const DAY_MS = 86_400_000;

/** Remembers the day for epochs that only say the time of day, and sees midnight pass. */
export class Calendar {
  readonly #earliestMs: number;
  #lastMs: number | undefined;

  /** `earliestMs`: no fix can be older, ms since 1970. */
  constructor(earliestMs: number) {
    this.#earliestMs = earliestMs;
  }

  /** UTC of an epoch with a fix; undefined without a fix, without a time, and before the receiver has said a date. */
  utc(epoch: Epoch): Utc | undefined {
    if (!epoch.fix || epoch.fix === 'none' || epoch.timeOfDayMs === undefined) return undefined;
    const dayMs = epoch.dateMs ?? this.#dayOf(epoch.timeOfDayMs);
    if (dayMs === undefined) return undefined;
    this.#lastMs = dayMs + epoch.timeOfDayMs;
    return correctRollOver(this.#lastMs, this.#earliestMs);
  }

  reset(): void {
    this.#lastMs = undefined;
  }

  /** The last epoch's day, or the next one where the time of day fell by more than half a day. */
  #dayOf(timeOfDayMs: number): number | undefined {
    if (this.#lastMs === undefined) return undefined;
    const day = Math.floor(this.#lastMs / DAY_MS) * DAY_MS;
    return this.#lastMs - (day + timeOfDayMs) > DAY_MS / 2 ? day + DAY_MS : day;
  }
}
