import type { SimClock } from '../support/sim-clock.js';
import type { FakePort, Sent } from './fake-port.js';

/** What MQTT, TCP and IP add to a payload here, bytes. */
const HEADER_BYTES = 100;
const SEGMENT_BYTES = 1400;

export interface Arrival {
  readonly topic: string;
  /** Class and stream. */
  readonly name: string;
  readonly bytes: number;
  readonly payload: Uint8Array;
  readonly sentMs: number;
  /** When the last byte was at the broker. */
  readonly atMs: number;
}

/**
 * A link of so many bytes a second and so long a round trip between a FakePort and a broker that answers each message at once: what is
 * sent waits its turn, as in a modem's buffer. `run` lets it live, a tick at a time.
 */
export class SlowLink {
  readonly arrived: Arrival[] = [];
  #freeAtMs = 0;
  /** TCP gives bytes in order: what is behind a lost segment waits for it. */
  #arrivedMs = 0;
  #answeredMs = 0;
  #bytesUnderWay = 0;
  /** The most that was under way at once. */
  peakBytes = 0;

  constructor(
    private readonly port: FakePort,
    private readonly clock: SimClock,
    readonly link: {
      readonly bytesPerS: number;
      readonly rttMs: number;
      /** Share of segments that come a round trip late, and where they fall. */
      readonly loss?: number;
      readonly random?: () => number;
    },
  ) {}

  async run(ms: number, eachTick: () => void = () => undefined, tickMs = 5): Promise<void> {
    for (let passed = 0; passed < ms; passed += tickMs) {
      eachTick();
      await this.clock.advance(0);
      for (const sent of this.port.take()) this.#send(sent);
      await this.clock.advance(tickMs);
    }
  }

  get nowMs(): number {
    return Number(this.clock.nowNs()) / 1e6;
  }

  #oneWayMs(bytes: number): number {
    const { rttMs, loss = 0, random = () => 1 } = this.link;
    const isLost = Array.from({ length: Math.ceil(bytes / SEGMENT_BYTES) }, random).some(
      (draw) => draw < loss,
    );
    return rttMs / 2 + (isLost ? rttMs : 0);
  }

  #send(sent: Sent): void {
    const bytes = sent.payload.length + HEADER_BYTES;
    const sentMs = this.nowMs;
    this.#freeAtMs = Math.max(this.#freeAtMs, sentMs) + (1000 * bytes) / this.link.bytesPerS;
    const atMs = Math.max(this.#arrivedMs, this.#freeAtMs + this.#oneWayMs(bytes));
    const answerMs = Math.max(this.#answeredMs, atMs + this.#oneWayMs(1));
    this.#arrivedMs = atMs;
    this.#answeredMs = answerMs;
    this.#bytesUnderWay += bytes;
    this.peakBytes = Math.max(this.peakBytes, this.#bytesUnderWay);
    this.clock.after(atMs - sentMs, () => {
      const name = sent.topic.split('/').slice(3).join('/');
      this.arrived.push({ topic: sent.topic, name, bytes, payload: sent.payload, sentMs, atMs });
    });
    this.clock.after(answerMs - sentMs, () => {
      this.#bytesUnderWay -= bytes;
      this.port.answer(sent);
    });
  }
}

/** Bytes of the arrivals that `of` names. */
export function bytesOf(arrivals: readonly Arrival[], of: (name: string) => boolean): number {
  return arrivals.reduce((sum, one) => sum + (of(one.name) ? one.bytes : 0), 0);
}
