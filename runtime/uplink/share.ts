/** The backlog's part of the bytes while both lanes have something to send. */
const BACKLOG_SHARE = 0.25;

export type LaneKind = 'live' | 'backlog';

/**
 * Deficit round robin (Shreedhar and Varghese, 1995) between two lanes, by bytes: however large the blocks of either, live data takes
 * three quarters of what is sent while the backlog waits, and an idle lane leaves all to the other without a debt.
 */
export class Share {
  /** Bytes that the backlog may send before the live lane's next block; negative: that it sent in advance. */
  #backlogCredit = 0;

  choose(hasLive: boolean, hasBacklog: boolean): LaneKind {
    if (!hasLive || !hasBacklog) {
      this.#backlogCredit = 0;
      return hasLive ? 'live' : 'backlog';
    }
    return this.#backlogCredit > 0 ? 'backlog' : 'live';
  }

  /** What `choose` named has been sent. */
  sent(kind: LaneKind, bytes: number): void {
    this.#backlogCredit += kind === 'backlog' ? -bytes : (bytes * BACKLOG_SHARE) / (1 - BACKLOG_SHARE);
  }
}
