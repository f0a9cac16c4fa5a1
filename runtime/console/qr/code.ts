import { formatBits, frameOf, placeFormat, type Square } from './frame.js';
import { correctionOf } from './galois.js';
import { MASKS, penaltyOf } from './mask.js';

/** Codewords of versions 1 to 5 at level L, each one block (ISO/IEC 18004:2015, tables 7 and 9). */
const CAPACITY = [
  { data: 19, correction: 7 },
  { data: 34, correction: 10 },
  { data: 55, correction: 15 },
  { data: 80, correction: 20 },
  { data: 108, correction: 26 },
] as const;
/** Mode and length before the text, the terminator after it: 4 + 8 + 4 bits. */
const OVERHEAD_BYTES = 2;
export const QR_MAX_BYTES = 106;
const BYTE_MODE = 0b0100;
/** Table 10: the bits of level L. */
const LEVEL_L = 0b01;
/** §7.4.10: what fills the rest, by turns. */
const PADDING = [0xec, 0x11] as const;

export class QrError extends Error {
  override readonly name = 'QrError';
}

/** Dark modules are true; rows from the top, without the quiet zone. */
export type QrCode = Square;

/** The smallest symbol of version 1 to 5, level L, byte mode, with the mask of the least penalty. Throws QrError above QR_MAX_BYTES of UTF-8. */
export function makeQr(text: string, mask?: number): QrCode {
  const bytes = Buffer.from(text);
  const index = CAPACITY.findIndex(({ data }) => bytes.length + OVERHEAD_BYTES <= data);
  const capacity = CAPACITY[index];
  if (!capacity) throw new QrError(`${bytes.length} bytes; ${QR_MAX_BYTES} fit a QR code of version 5`);
  const data = dataOf(bytes, capacity.data);
  const bits = bitsOf(Buffer.concat([data, correctionOf(data, capacity.correction)]));
  const codes = (mask === undefined ? [...MASKS.keys()] : [mask]).map((each) => drawn(index + 1, bits, each));
  return codes.reduce((best, code) => (penaltyOf(code) < penaltyOf(best) ? code : best));
}

/** Mode, length, bytes, terminator: all of it half a byte off. Then the padding (§7.4). */
function dataOf(bytes: Uint8Array, size: number): Uint8Array {
  const hex = [
    BYTE_MODE.toString(16),
    bytes.length.toString(16).padStart(2, '0'),
    Buffer.from(bytes).toString('hex'),
    '0',
  ];
  const data = new Uint8Array(size).map((_, i) => PADDING[(i - bytes.length) % 2]!);
  data.set(Buffer.from(hex.join(''), 'hex'));
  return data;
}

function bitsOf(bytes: Uint8Array): readonly boolean[] {
  return [...bytes].flatMap((byte) => Array.from({ length: 8 }, (_, i) => ((byte >> (7 - i)) & 1) === 1));
}

function drawn(version: number, bits: readonly boolean[], mask: number): QrCode {
  const { square, isFree } = frameOf(version);
  const isFlipped = MASKS[mask]!;
  let next = 0;
  for (const [row, column] of zigzag(square.length)) {
    if (!isFree(row, column)) continue;
    // Past the last codeword come the remainder bits, which are 0.
    square[row]![column] = (bits[next++] ?? false) !== isFlipped(row, column);
  }
  placeFormat(square, formatBits((LEVEL_L << 3) | mask));
  return square;
}

/** §7.7.3: columns by twos from the right, by turns upwards and downwards, past the timing pattern's column. */
function* zigzag(size: number): Generator<readonly [row: number, column: number]> {
  let isUpwards = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right--;
    for (let i = 0; i < size; i++) {
      const row = isUpwards ? size - 1 - i : i;
      yield [row, right];
      yield [row, right - 1];
    }
    isUpwards = !isUpwards;
  }
}
