/** Rows of modules; dark is true. */
export type Square = boolean[][];

const FINDER_SIZE = 7;
/** BCH(15,5) and the mask over it (ISO/IEC 18004:2015, annex C). */
const FORMAT_GENERATOR = 0x537;
const FORMAT_MASK = 0x5412;

/** The function patterns of a version from 1 to 5, and which modules are left for data (§6.3). */
export function frameOf(version: number): {
  readonly square: Square;
  isFree(row: number, column: number): boolean;
} {
  const size = 17 + 4 * version;
  const square: Square = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  for (let i = 0; i < size; i++) square[6]![i] = square[i]![6] = i % 2 === 0;
  const far = size - FINDER_SIZE;
  for (const [row, column] of [
    [0, 0],
    [0, far],
    [far, 0],
  ] as const)
    placeFinder(square, row, column);
  // Table E.1: one, whose middle stands 6 modules from the far edges.
  const middle = version === 1 ? undefined : size - 7;
  if (middle !== undefined) placeAlignment(square, middle);
  const isAligned = (at: number) => middle !== undefined && Math.abs(at - middle) <= 2;
  return {
    square,
    isFree: (row, column) =>
      row !== 6 &&
      column !== 6 &&
      // Finders with their separators, the format information, the dark module.
      !(row < 9 && (column < 9 || column >= size - 8)) &&
      !(row >= size - 8 && column < 9) &&
      !(isAligned(row) && isAligned(column)),
  };
}

/** Rings by their distance from the middle: dark, light, dark; around it the light separator, over the timing pattern. */
function placeFinder(square: Square, top: number, left: number): void {
  for (let row = top - 1; row <= top + FINDER_SIZE; row++) {
    for (let column = left - 1; column <= left + FINDER_SIZE; column++) {
      if (square[row]?.[column] === undefined) continue;
      const ring = Math.max(Math.abs(row - top - 3), Math.abs(column - left - 3));
      square[row]![column] = ring !== 2 && ring !== 4;
    }
  }
}

function placeAlignment(square: Square, middle: number): void {
  for (let row = -2; row <= 2; row++)
    for (let column = -2; column <= 2; column++)
      square[middle + row]![middle + column] = Math.max(Math.abs(row), Math.abs(column)) !== 1;
}

/** §7.9.1: five bits of level and mask, ten of BCH, masked. */
export function formatBits(value: number): number {
  let rest = value << 10;
  for (let bit = 14; bit >= 10; bit--) if ((rest >> bit) & 1) rest ^= FORMAT_GENERATOR << (bit - 10);
  return ((value << 10) | rest) ^ FORMAT_MASK;
}

/** Twice, as figure 25 has it, and the module that is always dark. */
export function placeFormat(square: Square, format: number): void {
  const size = square.length;
  for (let i = 0; i < 15; i++) {
    const isDark = ((format >> i) & 1) === 1;
    // Bit 0 upwards: down column 8 from the top and leftwards along row 8, past the timing patterns.
    if (i < 8) square[i < 6 ? i : i + 1]![8] = isDark;
    else square[8]![i === 8 ? 7 : 14 - i] = isDark;
    if (i < 8) square[8]![size - 1 - i] = isDark;
    else square[size - 15 + i]![8] = isDark;
  }
  square[size - 8]![8] = true;
}
