import type { RuntimeClock } from '../../../runtime/clock/types.js';
import type { Line, SessionEnd } from '../../../runtime/console/session/index.js';

/** A serial wire behind a kernel's buffer that takes whatever it is given: what a person sees comes at the wire's speed. */
export class Wire {
  #freeAtMs = 0;
  #seen: { readonly text: string; readonly atMs: number }[] = [];
  /** The most that ever waited in the kernel's buffer, in time. */
  mostAheadMs = 0;

  constructor(
    private readonly bytesPerSecond: number,
    private readonly nowMs: () => number,
  ) {}

  readonly take = (bytes: Uint8Array): void => {
    const now = this.nowMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + (bytes.length / this.bytesPerSecond) * 1000;
    this.mostAheadMs = Math.max(this.mostAheadMs, this.#freeAtMs - now);
    this.#seen.push({ text: Buffer.from(bytes).toString('latin1'), atMs: this.#freeAtMs });
  };

  get text(): string {
    return Buffer.from(this.#seen.map(({ text }) => text).join(''), 'latin1').toString();
  }

  /** When the last of a text was seen whose end is at this place. */
  seenAtMs(end: number): number {
    let length = 0;
    for (const { text, atMs } of this.#seen) {
      length += text.length;
      if (length >= end) return atMs;
    }
    return Number.POSITIVE_INFINITY;
  }
}

/** A line of a test: says what was written, takes it or refuses to, and brings what the test types. */
export class TestLine implements Line {
  readonly columns = 80;
  readonly wire: Wire;
  /** Takes nothing: flow control holds it. */
  isStopped = false;
  #onBytes: (bytes: Uint8Array) => void = () => undefined;
  #onEnd: (why: SessionEnd) => void = () => undefined;
  #onLast: () => void = () => undefined;

  constructor(
    readonly bytesPerSecond: number,
    private readonly clock: Pick<RuntimeClock, 'nowNs' | 'after'>,
  ) {
    this.wire = new Wire(bytesPerSecond, () => Number(clock.nowNs()) / 1e6);
  }

  readonly write = (bytes: Uint8Array, taken: () => void): void => {
    this.wire.take(bytes);
    if (!this.isStopped) this.clock.after(0, taken);
  };

  listen(onBytes: (bytes: Uint8Array) => void, onEnd: (why: SessionEnd) => void, onLast: () => void): void {
    this.#onLast = onLast;
    this.#onBytes = onBytes;
    this.#onEnd = onEnd;
  }

  type(text: string | Uint8Array): void {
    this.#onBytes(Buffer.from(text));
  }

  /** A pipe that was written to its end. */
  last(): void {
    this.#onLast();
  }

  end(why: SessionEnd): void {
    this.#onEnd(why);
  }
}
