/** x^8 + x^4 + x^3 + x^2 + 1: the field of ISO/IEC 18004:2015 §7.5.2. */
const FIELD = 0x11d;

const EXP = new Uint8Array(255);
const LOG = new Uint8Array(256);
for (let i = 0, value = 1; i < 255; i++) {
  EXP[i] = value;
  LOG[value] = i;
  value = value << 1 > 255 ? (value << 1) ^ FIELD : value << 1;
}

function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : EXP[(LOG[a]! + LOG[b]!) % 255]!;
}

/** The error correction codewords of a block: the remainder of its division by (x - 1)(x - 2)…(x - 2^(count-1)). */
export function correctionOf(data: Uint8Array, count: number): Uint8Array {
  const generator = generatorOf(count);
  const rest = new Uint8Array(count);
  for (const byte of data) {
    const factor = byte ^ rest[0]!;
    rest.copyWithin(0, 1);
    rest[count - 1] = 0;
    for (let i = 0; i < count; i++) rest[i]! ^= times(generator[i]!, factor);
  }
  return rest;
}

/** Without its leading 1, highest power first. */
function generatorOf(count: number): Uint8Array {
  let product = Uint8Array.of(1);
  for (let i = 0; i < count; i++) {
    const next = new Uint8Array(product.length + 1);
    for (const [at, factor] of product.entries()) {
      next[at]! ^= factor;
      next[at + 1]! ^= times(factor, EXP[i]!);
    }
    product = next;
  }
  return product.subarray(1);
}
