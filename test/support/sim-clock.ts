import type { RuntimeClock, Timer } from '../../runtime/clock/types.js';

interface Due {
  readonly atNs: bigint;
  readonly order: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

/** A clock that stands still until it is told to go on; timers fire in the order of their times. */
export class SimClock implements RuntimeClock {
  #nowNs = 1_000_000_000n;
  #order = 0;
  /** A binary heap: a herd has thousands of timers. */
  readonly #heap: Due[] = [];
  timers = 0;

  nowNs(): bigint {
    return this.#nowNs;
  }

  after(ms: number, callback: () => void): Timer {
    const atNs = this.#nowNs + BigInt(Math.round(ms * 1e6));
    const due = { atNs, order: this.#order++, callback, isCancelled: false };
    this.timers++;
    this.#push(due);
    return { cancel: () => this.#cancel(due) };
  }

  #cancel(due: Due): void {
    if (due.isCancelled) return;
    due.isCancelled = true;
    this.timers--;
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Goes on by `ms`, firing what falls due; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const untilNs = this.#nowNs + BigInt(Math.round(ms * 1e6));
    await settle();
    for (let next = this.#take(untilNs); next; next = this.#take(untilNs)) {
      this.#cancel(next);
      if (next.atNs > this.#nowNs) this.#nowNs = next.atNs;
      next.callback();
      await settle();
    }
    this.#nowNs = untilNs;
  }

  /** The next one that falls due until then. */
  #take(untilNs: bigint): Due | undefined {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      if (!top.isCancelled && top.atNs > untilNs) return undefined;
      this.#pop();
      if (!top.isCancelled) return top;
    }
    return undefined;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(due, heap[parent]!); parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  /** Time passes while nobody runs (a suspend, a blocked loop): timers are late. */
  skip(ms: number): void {
    this.#nowNs += BigInt(Math.round(ms * 1e6));
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.order < b.order);
}

/** Lets promise chains run dry; 20 turns are deeper than any chain here. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
