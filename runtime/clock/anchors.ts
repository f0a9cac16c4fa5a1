import type { Channel, Rows } from '../../drivers/contract/index.js';
import { QUALITY } from '../../drivers/contract/index.js';
import { type Anchor, DRIFT_PPB } from '../../wire/index.js';
import type { RuntimeClock, Timer, WallClock, WallTime } from './types.js';

/** An anchor of this boot, before the store has said which boot that is. */
export type BootAnchor = Omit<Anchor, 'boot'>;

/** Until there is an anchor, and then: a machine that sleeps needn't be woken to hear that all is as it was. */
const CHECK_INTERVAL_MS = 5_000;
const RECHECK_INTERVAL_MS = 10_000;
/** A crystal of 100 ppm drifts 0.36 s an hour: an anchor an hour bounds what interpolation has to bridge. */
const RENEW_NS = 3_600_000_000_000n;
/** Within 10 minutes the drift alone (60 ms) is no reason: a well-kept clock would give an anchor at every look. */
const DRIFT_RENEW_NS = 600_000_000_000n;
/** Anchors are never evicted, so a clock that is thrown about may cause so many at once, then 12 an hour; the rest are not emitted. */
const ANCHORS_AT_ONCE = 8;
const ANCHOR_EVERY_NS = 300_000_000_000n;
/** No clock is before this, 2024-01-01: what says so was never set, or has lost count of GPS weeks. The GNSS driver's `earliestDate` is the same. */
const EARLIEST_NS = 1_704_067_200_000_000_000n;
/** An NMEA sentence says which second it was, and comes up to this long after it: receivers of the last twenty years take 0.05 to 1 s. */
const GNSS_LATENCY_NS = 1_000_000_000n;

export interface AnchorKeeperOptions {
  readonly clock: RuntimeClock;
  readonly wall: WallClock;
  readonly emit: (anchor: BootAnchor) => void;
  readonly log: (level: 'warn', text: string) => void;
}

/**
 * Watches for wall time that can be believed (the kernel's clock once adjtimex says it is disciplined; a GNSS fix) and emits an
 * anchor at the first sight, when a better one is to be had, when the clock was moved, and each hour; in all 20 in its first hour and
 * 12 in each that follows, whatever the clocks do.
 */
export class AnchorKeeper {
  #best: BootAnchor | undefined;
  #timer: Timer | undefined;
  #allowance = ANCHORS_AT_ONCE;
  #allowedNs: bigint | undefined;
  #isRefused = false;
  #isTooEarly = false;

  constructor(private readonly options: AnchorKeeperOptions) {}

  start(): void {
    this.#check();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** The wall time of a moment of this boot, or undefined while there is no anchor. */
  at(monotonicNs: bigint): WallTime | undefined {
    return this.#best && extrapolate(this.#best, monotonicNs);
  }

  /** Looks for a fix's time in rows with a `utcMs` channel. */
  observe(rows: Rows, channels: readonly Channel[]): void {
    const column = channels.findIndex((channel) => channel.name === 'utcMs');
    if (column < 0) return;
    for (let row = 0; row < rows.timesNs.length; row++) {
      const cell = row * channels.length + column;
      const utcMs = rows.values[cell];
      if (utcMs === undefined || rows.quality[cell] !== QUALITY.good || !Number.isSafeInteger(utcMs))
        continue;
      this.#offer({
        monotonicNs: rows.timesNs[row]!,
        // The sentence came after the moment it names: half the latency on, half of it unsure.
        wallNs: BigInt(utcMs) * 1_000_000n + GNSS_LATENCY_NS / 2n,
        uncertaintyNs: GNSS_LATENCY_NS / 2n,
        source: 'gnss',
      });
    }
  }

  /** A person's watch, now. False: what is known is better, or it can't be right. */
  tell(wallNs: bigint, uncertaintyNs: bigint): boolean {
    const monotonicNs = this.options.clock.nowNs();
    return this.#offer({ monotonicNs, wallNs, uncertaintyNs, source: 'technician' });
  }

  #check(): void {
    const anchor = this.#ofKernel();
    if (anchor) this.#offer(anchor);
    const waitMs = this.#best ? RECHECK_INTERVAL_MS : CHECK_INTERVAL_MS;
    this.#timer = this.options.clock.after(waitMs, () => this.#check());
  }

  /** A sandbox may refuse to tell the clock's state: then nothing is known of it, and rows wait for another source. */
  #ofKernel(): BootAnchor | undefined {
    const { wall, log } = this.options;
    try {
      const sync = wall.sync();
      if (!sync.synchronised) return undefined;
      const pair = wall.pair();
      const uncertaintyNs = pair.uncertaintyNs + sync.maxErrorNs;
      return { monotonicNs: pair.bootNs, wallNs: pair.wallNs, uncertaintyNs, source: 'system' };
    } catch (error) {
      const why = (error as Error).message;
      if (!this.#isRefused)
        log('warn', `the kernel doesn't say whether its clock is set: ${why}; a GNSS fix would`);
      this.#isRefused = true;
      return undefined;
    }
  }

  #offer(anchor: BootAnchor): boolean {
    if (anchor.wallNs < EARLIEST_NS) this.#sayTooEarly(anchor);
    else if ((!this.#best || isWorthKeeping(this.#best, anchor)) && this.#isAllowed()) {
      this.#best = anchor;
      this.options.emit(anchor);
      return true;
    }
    return false;
  }

  #sayTooEarly({ source, wallNs }: BootAnchor): void {
    const said = new Date(Number(wallNs / 1_000_000n)).toISOString();
    if (!this.#isTooEarly)
      this.options.log('warn', `the clock (${source}) says ${said} and that it is set: not believed`);
    this.#isTooEarly = true;
  }

  /** Takes one from the allowance, by the boot clock alone: nobody can set that one. */
  #isAllowed(): boolean {
    const nowNs = this.options.clock.nowNs();
    this.#allowedNs ??= nowNs;
    const earned = (nowNs - this.#allowedNs) / ANCHOR_EVERY_NS;
    this.#allowedNs += earned * ANCHOR_EVERY_NS;
    this.#allowance = Math.min(ANCHORS_AT_ONCE, this.#allowance + Number(earned));
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}

/**
 * A later anchor says something new when it is twice as sure as the old one ever was, or as drift has left it after ten minutes, when it
 * contradicts the old one, or when that is an hour old.
 */
export function isWorthKeeping(held: BootAnchor, offered: BootAnchor): boolean {
  const expected = extrapolate(held, offered.monotonicNs);
  const age = abs(offered.monotonicNs - held.monotonicNs);
  const heldNs = age < DRIFT_RENEW_NS ? held.uncertaintyNs : expected.uncertaintyNs;
  if (offered.uncertaintyNs * 2n <= heldNs) return true;
  const off = abs(expected.wallNs - offered.wallNs);
  if (off > expected.uncertaintyNs + offered.uncertaintyNs)
    return offered.source === held.source || offered.uncertaintyNs <= expected.uncertaintyNs;
  return age >= RENEW_NS && offered.uncertaintyNs <= expected.uncertaintyNs;
}

/** Carries an anchor over to another moment of its boot, unsurer by the worst crystal's drift. */
export function extrapolate(anchor: BootAnchor, monotonicNs: bigint): WallTime {
  const away = monotonicNs - anchor.monotonicNs;
  return {
    wallNs: anchor.wallNs + away,
    uncertaintyNs: anchor.uncertaintyNs + (abs(away) * DRIFT_PPB) / 1_000_000_000n,
  };
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
