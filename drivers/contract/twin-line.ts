/** More than any real part buffers: a twin that is asked late forgets the oldest. */
const MAX_WAITING_BYTES = 8192;
const BITS_PER_BYTE = 10;

/** The line that serial twins speak on: bytes come out no faster than the baud rate. Noise and plugs are the board's. */
export class TwinLine {
  readonly #nsPerByte: bigint;
  #waiting = '';
  /** When the next byte can be on the line. */
  #freeNs = 0n;

  constructor(baud: number) {
    this.#nsPerByte = BigInt(Math.round((BITS_PER_BYTE * 1e9) / baud));
  }

  /** ASCII that the part says at `timeNs`; it is on the line as soon as there is room. */
  say(text: string, timeNs: bigint): void {
    if (this.#waiting.length === 0 && timeNs > this.#freeNs) this.#freeNs = timeNs;
    this.#waiting = (this.#waiting + text).slice(-MAX_WAITING_BYTES);
  }

  /** The bytes that are whole on the line by `timeNs`. */
  take(timeNs: bigint): Uint8Array {
    const room = timeNs > this.#freeNs ? Number((timeNs - this.#freeNs) / this.#nsPerByte) : 0;
    const count = Math.min(this.#waiting.length, room);
    const bytes = Uint8Array.from(this.#waiting.slice(0, count), (char) => char.charCodeAt(0));
    this.#waiting = this.#waiting.slice(count);
    this.#freeNs += BigInt(count) * this.#nsPerByte;
    return bytes;
  }
}
