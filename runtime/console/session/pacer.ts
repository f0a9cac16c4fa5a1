import type { RuntimeClock, Timer } from '../../clock/types.js';
import type { Line } from './types.js';

/** So much may lie in the kernel's buffer, where nobody gets it back: what a Ctrl-C waits for. */
const AHEAD_MS = 100;
/** A line without a speed gets pieces of that size, each once it took the one before. */
const PIECE_BYTES = 4096;
/** All that waits; more is dropped, and how many lines went is said where they would have been. */
const WAITING_MAX_BYTES = 1 << 20;
const LF = 0x0a;
/** What a text costs that waits, beside its bytes. */
const TEXT_BYTES = 64;
/** A line that takes nothing for so long is given up. */
const STUCK_MS = 60_000;

export interface PacerOptions {
  readonly line: Pick<Line, 'bytesPerSecond' | 'write'>;
  readonly clock: Pick<RuntimeClock, 'nowNs' | 'after'>;
  /** The line has taken nothing for a minute. */
  readonly onStuck: () => void;
}

/** Text out at the speed of the line, so that what waits can still be taken back. */
export class Pacer {
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** When the line will have sent all that it was given, by its speed. */
  #sentAtMs = 0;
  #isWriting = false;
  #isReleased = false;
  #isClosed = false;
  #lostLines = 0;
  /** Whether what was handed to the line ends with a whole row, and whether all that was said does. */
  #isRowHanded = true;
  #isRowSaid = true;
  #wakeUp: Timer | undefined;
  #onDrained: (() => void)[] = [];

  constructor(private readonly options: PacerOptions) {}

  /** LF becomes CR LF. */
  write(text: string): void {
    if (this.#isClosed || text === '') return;
    const bytes = Buffer.from(text.replace(/\r?\n/g, '\r\n'));
    const waiting = this.#waitingBytes + this.#waiting.length * TEXT_BYTES + bytes.length;
    // Once one is lost all are, until there is room again and it is said: no text comes before one that was earlier.
    if (this.#lostLines > 0 || waiting > WAITING_MAX_BYTES) {
      this.#lostLines += Math.max(1, text.split('\n').length - 1);
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#isRowSaid = text.endsWith('\n');
    this.#pump();
  }

  /** What is said next stands at the beginning of a row. */
  freshRow(): void {
    if (!this.#isRowSaid) this.write('\n');
  }

  /** Once nothing waits any more: all is with the kernel, which has it on the line within a tenth of a second, or was dropped. */
  drained(): Promise<void> {
    if (this.#isReleased || this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#onDrained.push(resolve));
  }

  /** Takes back all that waits. */
  drop(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#lostLines = 0;
    this.#isRowSaid = this.#isRowHanded;
    this.#wakeUp?.cancel();
    this.#wakeUp = undefined;
    this.#sayDrained();
  }

  /** From now on nobody waits for the line: the session is over, and it may be stopped. */
  release(): void {
    this.#isReleased = true;
    this.#sayDrained();
  }

  /** Closes once nothing waits any more, or when the time is up. */
  async finish(withinMs: number): Promise<void> {
    if (!this.#isIdle()) {
      await new Promise<void>((resolve) => {
        const timer = this.options.clock.after(withinMs, resolve);
        this.#onDrained.push(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    this.close();
  }

  /** Nothing is said any more, and nobody waits for it. */
  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  #isIdle(): boolean {
    return this.#isClosed || (this.#waitingBytes === 0 && !this.#isWriting);
  }

  #pump(): void {
    if (this.#isWriting || this.#wakeUp || this.#waitingBytes === 0) return;
    const { line, clock } = this.options;
    const nowMs = Number(clock.nowNs()) / 1e6;
    const bytesPerMs = line.bytesPerSecond / 1000;
    this.#sentAtMs = Math.max(this.#sentAtMs, nowMs);
    const roomMs = AHEAD_MS - (this.#sentAtMs - nowMs);
    // In pieces of half of what may be ahead: the line is never idle, and the kernel is called twenty times a second.
    if (Number.isFinite(bytesPerMs) && roomMs < AHEAD_MS / 2) {
      this.#wakeUp = clock.after(Math.ceil(AHEAD_MS / 2 - roomMs), () => {
        this.#wakeUp = undefined;
        this.#pump();
      });
      return;
    }
    const bytes = this.#take(Math.max(1, Math.min(PIECE_BYTES, Math.floor(roomMs * bytesPerMs))));
    this.#sentAtMs += bytes.length / bytesPerMs;
    this.#hand(bytes);
  }

  #hand(bytes: Buffer): void {
    const { line, clock, onStuck } = this.options;
    this.#isWriting = true;
    this.#isRowHanded = bytes.at(-1) === LF;
    const stuck = clock.after(STUCK_MS, onStuck);
    line.write(bytes, () => {
      stuck.cancel();
      this.#isWriting = false;
      this.#sayLost();
      if (this.#isIdle()) this.#sayDrained();
      else this.#pump();
    });
  }

  /** The next bytes, `max` at most where that cuts no character. */
  #take(max: number): Buffer {
    const all = this.#waiting.length === 1 ? this.#waiting[0]! : this.#joined(max);
    let end = Math.min(max, all.length);
    while (end < all.length && (all[end]! & 0xc0) === 0x80) end++;
    const rest = all.subarray(end);
    if (rest.length > 0) this.#waiting[0] = rest;
    else this.#waiting.shift();
    this.#waitingBytes -= end;
    return all.subarray(0, end);
  }

  /** Puts together the first texts until `max` bytes are there: they become one. */
  #joined(max: number): Buffer {
    let count = 0;
    for (let bytes = 0; bytes < max && count < this.#waiting.length; count++)
      bytes += this.#waiting[count]!.length;
    const joined = Buffer.concat(this.#waiting.slice(0, count));
    this.#waiting.splice(0, count, joined);
    return joined;
  }

  #sayLost(): void {
    if (this.#lostLines === 0 || this.#waitingBytes > WAITING_MAX_BYTES / 2) return;
    const text = `\n… ${this.#lostLines} lines are missing here: they came faster than this line takes them …\n`;
    this.#lostLines = 0;
    this.write(text);
  }

  #sayDrained(): void {
    const waiting = this.#onDrained;
    this.#onDrained = [];
    for (const resolve of waiting) resolve();
  }
}
