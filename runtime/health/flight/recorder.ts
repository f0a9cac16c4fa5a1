import type { FlightEvent, FlightLine } from './record.js';

/** Of each of two segments: 256 KiB hold the last half hour of a busy node. */
const SEGMENT_BYTES = 128 * 1024;
const EVENTS_A_SECOND = 40;
const TEXT_MAX = 200;
/** Streams and the start, repeated at the head of each segment. */
const HEAD_MAX = 64;

/** Where a record goes: memory that outlives the process. Both may throw. */
export interface FlightOut {
  /** Of the segment that is written to, when a process begins: the record goes on over restarts. */
  readonly bytes?: number;
  append(text: string): void;
  /** The segment before the last is forgotten, a new one begins. */
  turn(): void;
}

/**
 * The last minutes of a node, an event a line, written as it happens: what is left of it after a kill is whole but for its last line.
 * Bounded in bytes and in events a second. It never throws and never waits.
 */
export class Recorder {
  readonly #head: string[] = [];
  #bytes = 0;
  #second = -1;
  #events = 0;
  #left = 0;
  #isRefused = false;

  constructor(
    private readonly nowNs: () => bigint,
    private readonly out: FlightOut,
    private readonly log: (level: 'warn', text: string) => void,
  ) {
    this.#bytes = out.bytes ?? 0;
  }

  /** A fact that the rest can't be understood without. */
  head(event: FlightEvent): void {
    const line = this.#line(event);
    if (this.#head.length < HEAD_MAX) this.#head.push(line);
    this.#write(line);
  }

  note(event: FlightEvent): void {
    const second = Math.floor(this.#nowMs() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#events = 0;
    }
    // The end is always told.
    if (++this.#events > EVENTS_A_SECOND && event.e !== 'stop') this.#left++;
    else this.#write(this.#line(event));
  }

  /** Events that were left out since this was asked last. */
  takeLeft(): number {
    const left = this.#left;
    this.#left = 0;
    return left;
  }

  #nowMs(): number {
    return Number(this.nowNs() / 1_000_000n);
  }

  #line(event: FlightEvent): string {
    const line: FlightLine = { t: this.#nowMs(), ...event };
    const cut = (_: string, value: unknown) => (typeof value === 'string' ? value.slice(0, TEXT_MAX) : value);
    return `${JSON.stringify(line, cut)}\n`;
  }

  #write(line: string): void {
    try {
      if (this.#bytes + line.length > SEGMENT_BYTES) {
        this.out.turn();
        this.#bytes = 0;
        for (const fact of this.#head) this.#put(fact);
      }
      this.#put(line);
    } catch (error) {
      if (!this.#isRefused)
        this.log('warn', `the flight record can't be written: ${(error as Error).message}`);
      this.#isRefused = true;
    }
  }

  #put(line: string): void {
    this.out.append(line);
    this.#bytes += line.length;
  }
}
