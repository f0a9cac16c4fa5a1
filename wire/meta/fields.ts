export type MetaErrorKind = 'malformed' | 'tooLarge' | 'unknownKind' | 'unknownValue';

/** A meta record that can't be written or read; `kind` is what to decide by. */
export class MetaError extends Error {
  override readonly name = 'MetaError';

  constructor(
    readonly kind: MetaErrorKind,
    what: string,
    options: { cause?: unknown } = {},
  ) {
    super(`meta record: ${what}`, options);
  }
}

/** Whole numbers past 32 bits go as 64-bit CBOR integers, never as floats. */
export function wholeNumber(value: number): number | bigint {
  return value > 0xffffffff ? BigInt(value) : value;
}

/** Takes the fields of a CBOR array one by one, each with its type and bound. Fields that nobody takes are ignored. */
export class FieldReader {
  readonly #fields: readonly unknown[];
  #at = 0;

  constructor(
    readonly where: string,
    value: unknown,
  ) {
    if (!Array.isArray(value)) throw new MetaError('malformed', `${where}: not an array`);
    this.#fields = value;
  }

  next(): unknown {
    return this.#fields[this.#at++];
  }

  text(maxLength: number): string {
    const value = this.next();
    if (typeof value !== 'string' || value.length > maxLength)
      this.refuse(`a text of at most ${maxLength} characters`);
    return value;
  }

  textLike(pattern: RegExp): string {
    const value = this.next();
    if (typeof value !== 'string' || !pattern.test(value)) this.refuse(`a text like ${pattern.source}`);
    return value;
  }

  oneOf<T extends string>(list: readonly T[]): T {
    const value = this.text(64);
    const known = list.find((item) => item === value);
    if (known === undefined) {
      throw new MetaError('unknownValue', `${this.where}, field ${this.#at}: '${value}' is none of ${list}`);
    }
    return known;
  }

  flag(): boolean {
    const value = this.next();
    if (typeof value !== 'boolean') this.refuse('true or false');
    return value;
  }

  float(): number {
    const value = this.next();
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'number') this.refuse('a number');
    return value;
  }

  /** 0 to `max`, at most 2^53 - 1. */
  whole(max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.float();
    if (!Number.isInteger(value) || value < 0 || value > max) this.refuse(`a whole number from 0 to ${max}`);
    return value;
  }

  /** A signed 64-bit integer. */
  integer64(): bigint {
    const value = this.next();
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value !== 'bigint' || value !== BigInt.asIntN(64, value)) this.refuse('a 64-bit integer');
    return value;
  }

  bytes(length: number): Uint8Array {
    const value = this.next();
    if (!(value instanceof Uint8Array) || value.length !== length) this.refuse(`${length} bytes`);
    return value;
  }

  /** `null` and a field that isn't there are `undefined`. */
  optional<T>(read: (fields: FieldReader) => T): T | undefined {
    const value = this.#fields[this.#at];
    if (value !== null && value !== undefined) return read(this);
    this.#at++;
    return undefined;
  }

  list<T>(maxItems: number, read: (item: unknown, index: number) => T): T[] {
    const value = this.next();
    if (!Array.isArray(value) || value.length > maxItems)
      this.refuse(`an array of at most ${maxItems} items`);
    return value.map(read);
  }

  refuse(wanted: string): never {
    throw new MetaError('malformed', `${this.where}, field ${this.#at}: not ${wanted}`);
  }
}
