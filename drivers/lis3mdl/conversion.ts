import type { RangeGauss } from './registers.js';

/** Sensitivities of DocID024204, magnetic characteristics, counts a gauss. They are not 32768 divided by the range. */
const COUNTS_PER_GAUSS: Readonly<Record<RangeGauss, number>> = { 4: 6842, 8: 3421, 12: 2281, 16: 1711 };

/** Tesla a count; 1 gauss is 1e-4 T. */
export const fieldScale = (range: RangeGauss): number => 1e-4 / COUNTS_PER_GAUSS[range];

/** OUT_X_L to OUT_Z_H: counts, least significant byte first. */
export function parseField(bytes: Uint8Array): readonly [x: number, y: number, z: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 6);
  return [view.getInt16(0, true), view.getInt16(2, true), view.getInt16(4, true)];
}

/** A count beyond the full scale: the field is stronger than the part can tell. */
export const isBeyond = (count: number, range: RangeGauss): boolean =>
  Math.abs(count) >= Math.min(32767, range * COUNTS_PER_GAUSS[range]);
