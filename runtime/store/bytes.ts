const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();
const TWO_TO_32 = 2 ** 32;

/** Appends fixed-width little-endian fields; grows as needed. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  /** A whole number up to 2^53 - 1 in 8 bytes. */
  u53(value: number): this {
    const at = this.#room(8);
    this.#view.setUint32(at, value % TWO_TO_32, true);
    this.#view.setUint32(at + 4, Math.floor(value / TWO_TO_32), true);
    return this;
  }

  /** Up to 255 bytes of UTF-8 behind their length. */
  text(value: string): this {
    const utf8 = ENCODER.encode(value);
    if (utf8.length > 255) throw new RangeError(`text of ${utf8.length} bytes, at most 255`);
    return this.u8(utf8.length).raw(utf8);
  }

  raw(bytes: Uint8Array): this {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** What was written, as a view that further writes may leave behind. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Reads what ByteWriter wrote. RangeError past the end or above 2^53 - 1. */
export class ByteReader {
  readonly #view: DataView;
  #at = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  get offset(): number {
    return this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  u53(): number {
    const at = this.#step(8);
    const value = this.#view.getUint32(at, true) + TWO_TO_32 * this.#view.getUint32(at + 4, true);
    if (!Number.isSafeInteger(value)) throw new RangeError('number above 2^53 - 1');
    return value;
  }

  text(): string {
    return DECODER.decode(this.raw(this.u8()));
  }

  raw(length: number): Uint8Array {
    const at = this.#step(length);
    if (this.#at > this.bytes.length) throw new RangeError('past the end');
    return this.bytes.subarray(at, this.#at);
  }

  #step(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

export type Crc32c = (bytes: Uint8Array) => number;

/** The bytes with their CRC-32C behind them: LevelDB checks nothing on a read. */
export function withCrc(bytes: Uint8Array, crc32c: Crc32c): Uint8Array {
  const sealed = new Uint8Array(bytes.length + 4);
  sealed.set(bytes);
  new DataView(sealed.buffer).setUint32(bytes.length, crc32c(bytes), true);
  return sealed;
}

/** What `withCrc` was given, or `undefined` where the bytes are damaged. */
export function checkedCrc(sealed: Uint8Array, crc32c: Crc32c): Uint8Array | undefined {
  if (sealed.length < 4) return undefined;
  const bytes = sealed.subarray(0, sealed.length - 4);
  const view = new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  return view.getUint32(bytes.length, true) === crc32c(bytes) ? bytes : undefined;
}
