export interface Timer {
  cancel(): void;
}

export interface ServiceClock {
  /** Never jumps; its zero is anywhere. */
  nowMs(): number;
  /** Since 1970, for people. */
  wallMs(): number;
  after(ms: number, callback: () => void): Timer;
}

/**
 * `waiting`: hasn't started, for want of something. `healthy`: passed within its TTL. `unhealthy`: didn't. `maintenance`: taken out by somebody.
 * `stopped`: for good.
 */
export type ServiceState = 'waiting' | 'healthy' | 'unhealthy' | 'maintenance' | 'stopped';

export interface ServiceHealth {
  readonly name: string;
  readonly state: ServiceState;
  /** Since when it is in that state, ms since 1970. */
  readonly sinceMs: number;
  /** What it waits for, or what failed last. */
  readonly why?: string;
  /** What its last pass said. */
  readonly detail?: string;
}

/** What the registry knows of a service beforehand. */
export interface Registration {
  readonly name: string;
  /** Without these it isn't healthy. */
  readonly needs: readonly string[];
  /** Unhealthy so long after its last pass. */
  readonly ttlMs: number;
}

/** A part of the fleet that starts, works and stops; all that it does may reject, with what people should read. */
export interface Service extends Registration {
  /** A check that takes longer than this has failed. */
  readonly checkEveryMs: number;
  /** Once all that it needs is healthy; again, ever more slowly, where it rejects. */
  start(): Promise<void>;
  /** Whether it does its work; resolves with a detail for people. Rejects where it doesn't. */
  check(): Promise<string | undefined>;
  /** Something that it needs has come back; asked before the next check, and again where it rejects. */
  reconnect?(): Promise<void>;
  stop(): Promise<void>;
}
