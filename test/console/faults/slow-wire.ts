/** A FIFO of a UART: what a tick lets through. */
const TICK_MS = 10;

/** One direction of a serial line: bytes come out in order, no faster than its rate, and none is lost. */
export class SlowWire {
  onBytes: (bytes: Uint8Array) => void = () => undefined;
  /** So many have come out. */
  bytes = 0;
  #waiting: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  /** Since when it carries without a pause, and how much it carried then. */
  #sinceMs = 0;
  #carried = 0;

  constructor(private readonly bytesPerS: number) {}

  send(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    if (this.#timer) return;
    [this.#sinceMs, this.#carried] = [performance.now(), 0];
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Something is under way. */
  get isBusy(): boolean {
    return this.#timer !== undefined;
  }

  cut(): void {
    clearInterval(this.#timer);
    this.onBytes = () => undefined;
  }

  /** By the clock and not by ticks, so that a busy machine makes it no slower. */
  #tick(): void {
    const dueBytes = Math.floor(((performance.now() - this.#sinceMs) / 1000) * this.bytesPerS);
    const now = this.#waiting.subarray(0, Math.max(0, dueBytes - this.#carried));
    this.#waiting = this.#waiting.subarray(now.length);
    this.#carried += now.length;
    this.bytes += now.length;
    if (now.length > 0) this.onBytes(now);
    if (this.#waiting.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
