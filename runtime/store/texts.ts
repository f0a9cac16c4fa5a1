export type Text = string | Uint8Array | undefined;

/** Texts and byte strings of a block together, so that a block fits a message. */
const MAX_BYTES_PER_BLOCK = 64 * 1024;

/** Cells in a row's order. Byte strings are copied into one buffer: a buffer of its own takes 300 bytes beside what it holds. */
export class Texts {
  /** At most; what a text takes is known once it is encoded. */
  bytes = 0;
  /** A number: which of the byte strings. */
  readonly #cells: (string | number | undefined)[] = [];
  readonly #ends = [0];
  #buffer = new Uint8Array();

  get full(): boolean {
    return this.bytes >= MAX_BYTES_PER_BLOCK;
  }

  push(text: Text): void {
    this.bytes += textBytes(text);
    this.#cells.push(text instanceof Uint8Array ? this.#copy(text) : text);
  }

  slice(from: number, to: number): Text[] {
    return this.#cells
      .slice(from, to)
      .map((cell) =>
        typeof cell === 'number' ? this.#buffer.subarray(this.#ends[cell], this.#ends[cell + 1]) : cell,
      );
  }

  #copy(bytes: Uint8Array): number {
    const end = this.#ends.at(-1)!;
    this.#grow(end + bytes.length);
    this.#buffer.set(bytes, end);
    return this.#ends.push(end + bytes.length) - 2;
  }

  #grow(needed: number): void {
    if (needed <= this.#buffer.length) return;
    const before = this.#buffer;
    this.#buffer = new Uint8Array(Math.max(needed, Math.min(2 * before.length, MAX_BYTES_PER_BLOCK)));
    this.#buffer.set(before);
  }
}

/** In memory, at most, whatever its characters are. */
export function textBytes(text: Text): number {
  if (text === undefined) return 0;
  return typeof text === 'string' ? 3 * text.length : text.length;
}
