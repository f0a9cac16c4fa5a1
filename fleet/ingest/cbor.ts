/** A CBOR value as SenML uses them: maps with integer and text keys, no tag but decimal fractions. */
export type CborValue =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborValue, CborValue>;

/** A pack is an array of maps; a decimal fraction is an array in a map. */
const MAX_DEPTH = 4;
const DECIMAL_FRACTION = 4;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * RFC 8949, of untrusted bytes: no length is believed that the bytes don't bear out, and nothing of what general decoders do for tags. Throws
 * an Error that says at which byte.
 */
export function readCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) reader.fail('bytes after the item');
  return value;
}

class CborReader {
  at = 0;
  readonly #view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  fail(what: string): never {
    throw new Error(`CBOR, byte ${this.at}: ${what}`);
  }

  value(depth: number): CborValue {
    if (depth > MAX_DEPTH) this.fail('nested too deeply');
    const first = this.#take(1)[0]!;
    const [major, info] = [first >> 5, first & 31];
    if (major === 7) return this.#simple(info);
    if (info === 31) return this.#indefinite(major, depth);
    const argument = this.#argument(info);
    if (major === 0) return argument;
    if (major === 1) return -1 - argument;
    if (major === 2) return this.#take(argument);
    if (major === 3) return utf8.decode(this.#take(argument));
    if (major === 4) return this.#array(argument, depth);
    if (major === 5) return this.#map(argument, depth);
    return argument === DECIMAL_FRACTION ? this.#decimal(depth) : this.fail(`tag ${argument}`);
  }

  #take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) this.fail('the bytes end before the item does');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) return this.fail('a length of no known form');
    const bytes = 1 << (info - 24);
    const at = this.at;
    this.#take(bytes);
    if (bytes === 8) return Number(this.#view.getBigUint64(at));
    if (bytes === 4) return this.#view.getUint32(at);
    return bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint8(at);
  }

  #simple(info: number): CborValue {
    const at = this.at;
    if (info === 20 || info === 21) return info === 21;
    if (info === 22) return null;
    if (info === 25) return half(this.#argument(25));
    if (info === 26 || info === 27) this.#take(info === 26 ? 4 : 8);
    if (info === 26) return this.#view.getFloat32(at);
    return info === 27 ? this.#view.getFloat64(at) : this.fail(`simple value ${info}`);
  }

  #array(length: number, depth: number): CborValue[] {
    const items: CborValue[] = [];
    for (let index = 0; index < length; index++) items.push(this.value(depth + 1));
    return items;
  }

  #map(length: number, depth: number): Map<CborValue, CborValue> {
    const map = new Map<CborValue, CborValue>();
    for (let index = 0; index < length; index++) this.#entry(map, depth);
    return map;
  }

  #entry(map: Map<CborValue, CborValue>, depth: number): void {
    const key = this.value(depth + 1);
    if (map.has(key)) this.fail('the same key twice');
    map.set(key, this.value(depth + 1));
  }

  /** SenML allows it for arrays and maps only. */
  #indefinite(major: number, depth: number): CborValue {
    if (major !== 4 && major !== 5) this.fail('a text, byte string or tag of indefinite length');
    const items: CborValue[] = [];
    const map = new Map<CborValue, CborValue>();
    while (this.bytes[this.at] !== 0xff) {
      if (major === 4) items.push(this.value(depth + 1));
      else this.#entry(map, depth);
    }
    this.at++;
    return major === 4 ? items : map;
  }

  /** The nearest double of mantissa × 10^exponent. */
  #decimal(depth: number): number {
    const pair = this.value(depth + 1);
    if (!Array.isArray(pair) || pair.length !== 2)
      return this.fail('a decimal fraction is [exponent, mantissa]');
    const [exponent, mantissa] = pair as [unknown, unknown];
    if (!Number.isInteger(exponent) || !Number.isSafeInteger(mantissa))
      this.fail('a decimal fraction of whole numbers');
    return Number(`${mantissa}e${exponent}`);
  }
}

/** RFC 8949, appendix D. */
function half(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
