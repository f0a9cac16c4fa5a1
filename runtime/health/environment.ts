/** Half of the shortest watchdog that a program of timers in JavaScript keeps, and how often a longer one is fed at least. */
const PULSE_MIN_MS = 50;
const PULSE_MAX_MS = 5_000;
/** Pulses within one watchdog period: the loop may be late by three quarters of it. */
const PULSES_A_PERIOD = 4;

/** What a service manager told its service when it started it (sd_notify(3), sd_watchdog_enabled(3)). */
export interface Wanted {
  /** Where its socket is. */
  readonly address: string;
  /** The watchdog bites when it hears nothing for so long; undefined: it asked for none. */
  readonly watchdogMs: number | undefined;
  /** How often to send word, ms: four times in a watchdog's period, 50 to 5,000. */
  readonly pulseMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined where there is no service manager that wants to be told anything. */
export function wanted(environment: Environment, pid: number): Wanted | undefined {
  const address = environment.NOTIFY_SOCKET;
  if (!address) return undefined;
  const watchdogMs = watchdog(environment, pid);
  const pulseMs = Math.max(
    PULSE_MIN_MS,
    Math.min(PULSE_MAX_MS, (watchdogMs ?? Number.POSITIVE_INFINITY) / PULSES_A_PERIOD),
  );
  return { address, watchdogMs, pulseMs };
}

/** For whom it is not (a child inherits its parent's environment), there is none; nor is one of 0, or of all ones, which is never. */
function watchdog({ WATCHDOG_USEC, WATCHDOG_PID }: Environment, pid: number): number | undefined {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return undefined;
  if (WATCHDOG_USEC === undefined || !/^\d{1,20}$/.test(WATCHDOG_USEC)) return undefined;
  const us = BigInt(WATCHDOG_USEC);
  return us === 0n || us >= 2n ** 64n - 1n ? undefined : Number(us) / 1000;
}
