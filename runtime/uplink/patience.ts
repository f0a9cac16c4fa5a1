/** The slowest link that is still one: Iridium's dial-up has 300 B/s, its overhead taken off and shared. */
const LIVING_BYTES_PER_S = 100;

/** What a smaller message takes is the way there and back, and says little of the link's pace: it counts as this large. */
const TELLING_BYTES = 16 * 1024;

/** What a message cost on a link that turned out slow. */
interface Slow {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * How long a publish may stay unanswered before the link counts as dead. At first as long for all; but a large block on a slow link needs
 * longer than any fixed time, and the link would be cut for ever at the same block. So a time that was too short is doubled, for messages
 * of that size: in proportion to the bytes, and never past what the slowest living link would need. What was answered in less brings it
 * down again.
 */
export class Patience {
  #slow: Slow | undefined;

  constructor(private readonly baseMs: number) {}

  /** ms that a message of so many bytes may stay unanswered. */
  allowedMs(bytes: number): number {
    const bearableMs = this.baseMs + (1000 * bytes) / LIVING_BYTES_PER_S;
    return Math.min(bearableMs, Math.max(this.baseMs, 2 * this.#expectedMs(bytes)));
  }

  /** The oldest message was still unanswered after so long. */
  gaveUp(bytes: number, afterMs: number): void {
    if (afterMs > this.#expectedMs(bytes)) this.#slow = { bytes, ms: afterMs };
  }

  /** A message was answered so long after it was its turn. */
  answered(bytes: number, tookMs: number): void {
    const expectedMs = this.#expectedMs(bytes);
    if (tookMs > expectedMs) {
      if (tookMs > this.baseMs / 2) this.#slow = { bytes, ms: tookMs };
    } else if (expectedMs > this.baseMs / 2) {
      // Half at a time: answers that waited on their way come in a bunch.
      this.#slow = { bytes, ms: Math.max(tookMs, expectedMs / 2) };
    }
  }

  #expectedMs(bytes: number): number {
    if (!this.#slow) return 0;
    const { bytes: slowBytes, ms } = this.#slow;
    return bytes <= slowBytes
      ? (ms * bytes) / slowBytes
      : ms * Math.max(1, bytes / Math.max(slowBytes, TELLING_BYTES));
  }
}
