/** Waiting bytes are what delays an alarm: so much time's worth of them keeps a link busy through a lost segment or a slow receipt. */
const QUEUE_MS = 800;
/** Before anything is known of a link, and on the slowest. */
const LEAST_BYTES = 2048;
/** What a link once carried counts half after so long under load. */
const HALF_LIFE_MS = 4000;

/** What is kept of the moment when a message was sent. */
export interface SentMark {
  readonly atMs: number;
  readonly deliveredBytes: number;
  /** The link had work enough: a low rate is then the link's, not ours. */
  readonly loaded: boolean;
}

/**
 * How many bytes may be under way on one connection: what it carries in its shortest round trip and QUEUE_MS more, as measured (the
 * model of BBR, Cardwell et al., 2016: bandwidth is a recent maximum, delay a minimum). More would only wait in some modem's buffer, in
 * front of the next alarm; less would leave the link idle. It grows no faster than by what was taken: doubled each round trip.
 */
export class Pace {
  limitBytes = LEAST_BYTES;
  #bytesPerMs = 0;
  #rttMs = Number.POSITIVE_INFINITY;
  #deliveredBytes = 0;
  #answeredMs = 0;

  constructor(private readonly maxBytes: number) {}

  /** `underWayBytes`: this one's included. */
  sent(nowMs: number, underWayBytes: number): SentMark {
    const loaded = underWayBytes >= this.limitBytes / 2;
    return { atMs: nowMs, deliveredBytes: this.#deliveredBytes, loaded };
  }

  answered(mark: SentMark, bytes: number, nowMs: number): void {
    this.#deliveredBytes += bytes;
    const tookMs = Math.max(nowMs - mark.atMs, 0.1);
    this.#rttMs = Math.min(this.#rttMs, tookMs);
    const sample = (this.#deliveredBytes - mark.deliveredBytes) / tookMs;
    const kept = mark.loaded ? 2 ** ((this.#answeredMs - nowMs) / HALF_LIFE_MS) : 1;
    this.#bytesPerMs = Math.max(sample, this.#bytesPerMs * kept);
    this.#answeredMs = nowMs;
    const wanted = Math.max(LEAST_BYTES, this.#bytesPerMs * (this.#rttMs + QUEUE_MS));
    this.limitBytes = Math.min(wanted, this.limitBytes + bytes, this.maxBytes);
  }
}
