import type { RuntimeClock } from '../clock/types.js';

/** A person looks at a port for so long at most. */
export const LEND_MAX_MS = 60_000;
/** For work to end once it is told to. */
const END_GRACE_MS = 1_000;

/** One part's time out of use: told to end by its bound or from outside, and over a grace later whether the work has ended or not. */
export class Loan {
  readonly #end = new AbortController();

  constructor(private readonly clock: Pick<RuntimeClock, 'after'>) {}

  end(): void {
    this.#end.abort();
  }

  /** `over` is called once, before whoever asked has the answer. */
  async run<T>(forMs: number, work: (signal: AbortSignal) => Promise<T>, over: () => void): Promise<T> {
    const { signal } = this.#end;
    let isOver = false;
    const once = () => {
      if (!isOver) over();
      isOver = true;
    };
    const bound = this.clock.after(Math.min(forMs, LEND_MAX_MS), () => this.end());
    let grace = { cancel: () => {} };
    const told = () => {
      grace = this.clock.after(END_GRACE_MS, once);
    };
    if (signal.aborted) told();
    else signal.addEventListener('abort', told);
    try {
      return await work(signal);
    } finally {
      bound.cancel();
      grace.cancel();
      once();
    }
  }
}
