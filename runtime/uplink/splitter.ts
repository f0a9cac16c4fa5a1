import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const PUBACK = 0x40;
/** Type, up to four bytes of length, packet id (MQTT 5 §2.1, §3.4). */
const MAX_FIXED_BYTES = 5;
/** A PUBACK with longer properties is left to the library. */
const MAX_PUBACK_BYTES = 1024;

export interface SplitterEvents {
  puback(id: number, reasonCode: number): void;
  /** Bytes with PUBACKs among them came. */
  heard(): void;
}

/** Where a packet begins and ends; `undefined`: that much isn't here yet. NaN lengths of a malformed packet never come to an end. */
interface Framed {
  readonly bodyAt: number;
  readonly end: number;
}

/**
 * A socket as the MQTT library sees it: all that comes, but, once `begin` was called between two packets, for PUBACKs. They are as many as
 * the messages, and are taken from the bytes.
 */
export class Splitter extends Duplex {
  #isSplitting = false;
  /** The begin of a packet that isn't whole yet, a few bytes or a PUBACK. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of a packet that is the library's. */
  #leftBytes = 0;

  constructor(
    private readonly tcp: Socket,
    private readonly events: SplitterEvents,
  ) {
    super();
    tcp.on('data', (chunk: Buffer) => this.#take(chunk));
    tcp.on('end', () => this.push(null));
    tcp.on('close', () => this.destroy());
  }

  begin(): void {
    this.#isSplitting = true;
  }

  override _read(): void {
    this.tcp.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.tcp.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.tcp.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.tcp.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    if (!this.#isSplitting) this.#pass(chunk);
    else this.#split(this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk);
  }

  #split(bytes: Buffer): void {
    this.#rest = Buffer.alloc(0);
    let at = Math.min(this.#leftBytes, bytes.length);
    this.#leftBytes -= at;
    let passFrom = 0;
    let hasHeard = false;
    while (at < bytes.length) {
      const framed = framedAt(bytes, at);
      const isPuback = bytes[at] === PUBACK && (!framed || framed.end - at <= MAX_PUBACK_BYTES);
      if (!framed || (isPuback && framed.end > bytes.length)) {
        this.#rest = bytes.subarray(at);
        break;
      }
      if (isPuback) {
        if (at > passFrom) this.#pass(bytes.subarray(passFrom, at));
        if (!hasHeard) this.events.heard();
        hasHeard = true;
        this.#puback(bytes, framed);
        passFrom = framed.end;
      } else this.#leftBytes = Math.max(0, framed.end - bytes.length);
      at = Math.min(framed.end, bytes.length);
    }
    this.#pass(bytes.subarray(passFrom, at));
  }

  #puback(bytes: Buffer, { bodyAt, end }: Framed): void {
    // Without a reason it is success; MQTT 3.1.1 has none.
    this.events.puback(bytes.readUInt16BE(bodyAt), end - bodyAt > 2 ? bytes[bodyAt + 2]! : 0);
  }

  #pass(bytes: Buffer): void {
    if (bytes.length > 0 && !this.push(bytes)) this.tcp.pause();
  }
}

/** Where the packet at `at` ends. A length of more than four bytes is malformed: the rest is the library's, which will say so. */
function framedAt(bytes: Buffer, at: number): Framed | undefined {
  let length = 0;
  for (let i = 1; i < MAX_FIXED_BYTES; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 0x80 ** (i - 1);
    if (byte < 0x80)
      return bytes[at] === PUBACK && length < 2
        ? whole(bytes)
        : { bodyAt: at + i + 1, end: at + i + 1 + length };
  }
  return whole(bytes);
}

function whole(bytes: Buffer): Framed {
  return { bodyAt: bytes.length, end: Number.POSITIVE_INFINITY };
}
