import type { RuntimeClock, Timer } from '../clock/types.js';
import { Patience } from './patience.js';
import type { Window } from './window.js';

export interface DeadlineOptions {
  readonly clock: RuntimeClock;
  readonly window: Window;
  /** For a message of no size. */
  readonly deadlineMs: number;
  /** The oldest message has been unanswered for too long. */
  readonly onDeadline: (waitedMs: number) => void;
}

/** Watches the oldest message in the window. MQTT knows no end of waiting, and a half-open link takes all that is written to it. */
export class Deadline {
  #timer: Timer | undefined;
  #dueNs = 0n;
  readonly #patience: Patience;

  constructor(private readonly options: DeadlineOptions) {
    this.#patience = new Patience(options.deadlineMs);
  }

  /** There is something to wait for, perhaps less long than for what was waited for. */
  watch(): void {
    const leftMs = this.#leftMs();
    if (leftMs === undefined) return;
    const dueNs = this.options.clock.nowNs() + BigInt(Math.max(0, leftMs)) * 1_000_000n;
    if (this.#timer && dueNs >= this.#dueNs) return;
    this.stop();
    this.#dueNs = dueNs;
    this.#timer = this.options.clock.after(Math.max(0, leftMs), () => this.#at());
  }

  /** A message will be taken out of the window: what it took is what its like may take. */
  beforeAnswer(id: number): void {
    const { clock, window } = this.options;
    const oldest = window.oldest();
    if (oldest?.id === id && !oldest.isOvertaken) {
      this.#patience.answered(oldest.bytes, Number(clock.nowNs() - oldest.sinceNs) / 1e6);
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #at(): void {
    this.#timer = undefined;
    const leftMs = this.#leftMs();
    if (leftMs === undefined || leftMs > 0) this.watch();
    else this.#giveUp();
  }

  #giveUp(): void {
    const { clock, window, onDeadline } = this.options;
    const oldest = window.oldest()!;
    const waitedMs = Number(clock.nowNs() - oldest.sinceNs) / 1e6;
    // One whose answer was lost says nothing of the link's pace.
    if (!oldest.isOvertaken) this.#patience.gaveUp(oldest.bytes, waitedMs);
    onDeadline(waitedMs);
  }

  #leftMs(): number | undefined {
    const oldest = this.options.window.oldest();
    if (!oldest) return undefined;
    const waitedMs = Number(this.options.clock.nowNs() - oldest.sinceNs) / 1e6;
    return Math.ceil(this.#patience.allowedMs(oldest.bytes) - waitedMs);
  }
}
