import type { Clock } from '../../drivers/contract/index.js';
import type { ClockPair, ClockSync } from '../../native/types.js';

/** A running timer; `cancel` is safe at any time. */
export interface Timer {
  cancel(): void;
}

/** Time for the whole runtime: injected, so that a simulation owns it. */
export interface RuntimeClock extends Clock {
  /** Calls back once, after at least `ms` (0 to 2^31 - 1) of boot time. */
  after(ms: number, callback: () => void): Timer;
}

/** What the kernel knows of the wall clock. */
export interface WallClock {
  pair(): ClockPair;
  sync(): ClockSync;
}

/** A wall time with what it can be off by. */
export interface WallTime {
  readonly wallNs: bigint;
  readonly uncertaintyNs: bigint;
}
