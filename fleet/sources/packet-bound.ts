import { Transform, type TransformCallback } from 'node:stream';

/** MQTT's lengths take four bytes at most (MQTT 3.1.1, 2.2.3). */
const MAX_LENGTH_BYTES = 4;

export class PacketTooLargeError extends Error {
  override readonly name = 'PacketTooLargeError';
}

/** Lets MQTT packets through unchanged, and ends in PacketTooLargeError at the head of one that is too long, before any of it is kept. */
export class PacketBound extends Transform {
  /** Of the packet that is passing: bytes to come. */
  #left = 0;
  #isInHead = false;
  #lengthBytes = 0;
  #length = 0;
  #maxBytes: number;

  /** The first packet, before it is known whose it is, has a bound of its own. */
  constructor(
    private readonly maxBytes: number,
    maxFirstBytes: number,
  ) {
    super();
    this.#maxBytes = maxFirstBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const passing = Math.min(this.#left, chunk.length - at);
        this.#left -= passing;
        at += passing;
      } else if (!this.#takeHead(chunk[at++]!)) {
        done(
          new PacketTooLargeError(
            `an MQTT packet of ${this.#length} bytes, at most ${this.#maxBytes} are taken`,
          ),
        );
        return;
      }
    }
    done(null, chunk);
  }

  /** False: it is too long. */
  #takeHead(byte: number): boolean {
    if (!this.#isInHead) {
      this.#isInHead = true;
      this.#length = 0;
      this.#lengthBytes = 0;
      return true;
    }
    this.#length += (byte & 127) * 128 ** this.#lengthBytes++;
    if (byte & 128) return this.#lengthBytes < MAX_LENGTH_BYTES;
    this.#isInHead = false;
    this.#left = this.#length;
    const isTaken = this.#length <= this.#maxBytes;
    if (isTaken) this.#maxBytes = this.maxBytes;
    return isTaken;
  }
}
