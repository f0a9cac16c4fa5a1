import type { RuntimeClock, Timer } from '../clock/types.js';

export interface HeartbeatOptions {
  readonly clock: RuntimeClock;
  readonly keepAliveMs: number;
  readonly ping: () => void;
  /** Nothing was heard for one and a half keep-alives, a ping included. */
  readonly onSilence: () => void;
  /** An unanswered publish has a deadline of its own: on a slow link the ping waits behind it. */
  readonly isAwaited: () => boolean;
}

/** MQTT §3.1.2.10: the server must hear from us in time, and we ask whether it is still there. */
export class Heartbeat {
  #heardNs: bigint;
  #sentNs: bigint;
  #pingedNs = 0n;
  #timer: Timer;
  readonly #keepAliveNs: bigint;

  constructor(private readonly options: HeartbeatOptions) {
    this.#keepAliveNs = BigInt(options.keepAliveMs) * 1_000_000n;
    this.#heardNs = options.clock.nowNs();
    this.#sentNs = this.#heardNs;
    this.#timer = this.#waitUntil(this.#heardNs + this.#keepAliveNs);
  }

  heard(): void {
    this.#heardNs = this.options.clock.nowNs();
  }

  sent(): void {
    this.#sentNs = this.options.clock.nowNs();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #waitUntil(dueNs: bigint): Timer {
    const { clock } = this.options;
    return clock.after(Math.max(0, Number(dueNs - clock.nowNs()) / 1e6), () => this.#beat());
  }

  #beat(): void {
    const { clock, ping, onSilence, isAwaited } = this.options;
    const nowNs = clock.nowNs();
    const deadAtNs = this.#heardNs + (3n * this.#keepAliveNs) / 2n;
    if (nowNs >= deadAtNs && !isAwaited()) {
      onSilence();
      return;
    }
    if (nowNs >= this.#pingDueNs) {
      this.#pingedNs = nowNs;
      this.#sentNs = nowNs;
      ping();
    }
    const judgeAtNs = deadAtNs > nowNs ? deadAtNs : nowNs + this.#keepAliveNs / 4n;
    this.#timer = this.#waitUntil(judgeAtNs < this.#pingDueNs ? judgeAtNs : this.#pingDueNs);
  }

  /** When the other end is to hear of us, or is to be asked: once for each silence. */
  get #pingDueNs(): bigint {
    const isAsked = this.#pingedNs > this.#heardNs;
    const isLater = isAsked || this.#sentNs < this.#heardNs;
    return this.#keepAliveNs + (isLater ? this.#sentNs : this.#heardNs);
  }
}
