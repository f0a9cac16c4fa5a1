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
    const dueNs = this.#oldestDueNs();
    if (dueNs === undefined || (this.#timer && dueNs >= this.#dueNs)) return;
    this.stop();
    this.#dueNs = dueNs;
    this.#timer = this.options.clock.after(Math.max(0, this.#leftMs()!), () => this.#at());
  }

  /** A message will be taken out of the window: what it took is what its like may take. */
  beforeAnswer(id: number, nowNs: bigint): void {
    const oldest = this.options.window.oldest();
    if (oldest?.id === id && !oldest.isOvertaken) {
      this.#patience.answered(oldest.bytes, Number(nowNs - oldest.sinceNs) / 1e6);
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
    const dueNs = this.#oldestDueNs();
    return dueNs === undefined ? undefined : Math.ceil(Number(dueNs - this.options.clock.nowNs()) / 1e6);
  }

  #oldestDueNs(): bigint | undefined {
    const oldest = this.options.window.oldest();
    return oldest && oldest.sinceNs + BigInt(Math.ceil(this.#patience.allowedMs(oldest.bytes))) * 1_000_000n;
  }
}
