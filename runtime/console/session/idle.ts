import type { RuntimeClock, Timer } from '../../clock/types.js';

const WARNED_BEFORE_MS = 60_000;

export interface IdleOptions {
  readonly clock: Pick<RuntimeClock, 'after'>;
  readonly idleMs: number;
  readonly onWarning: (leftMs: number) => void;
  readonly onIdle: () => void;
}

/** Runs out unless somebody does something. A warning comes a minute before, or halfway where there is less. */
export class Idle {
  #timer: Timer | undefined;

  constructor(private readonly options: IdleOptions) {}

  /** Somebody is there: all begins anew. */
  touch(idleMs = this.options.idleMs): void {
    this.stop();
    const { clock, onWarning, onIdle } = this.options;
    const leftMs = Math.min(WARNED_BEFORE_MS, idleMs / 2);
    this.#timer = clock.after(idleMs - leftMs, () => {
      this.#timer = clock.after(leftMs, onIdle);
      onWarning(leftMs);
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}
