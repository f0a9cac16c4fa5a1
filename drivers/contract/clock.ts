/** What a driver knows of time. It has no timers of its own. */
export interface Clock {
  /** CLOCK_BOOTTIME, ns: goes on in suspend, never jumps. */
  nowNs(): bigint;
  /** Resolves after at least `ms` (0 to 60,000). */
  delay(ms: number): Promise<void>;
}
