import type { QrCode } from './code.js';

/** ISO/IEC 18004:2015 §6.3.8: light all around, four modules wide. */
const QUIET = 4;

/**
 * Lines of half blocks, two modules high each: 45 by 23 characters at most, so that it fits 80 by 24. A terminal's text is taken to be light
 * on dark; `isInverted` is for one that has it the other way round.
 */
export function drawQr(code: QrCode, isInverted = false): readonly string[] {
  const size = code.length + 2 * QUIET;
  // Past the last row lies the terminal's own ground.
  const isLit = (row: number, column: number) =>
    row < size && (code[row - QUIET]?.[column - QUIET] ?? false) === isInverted;
  return Array.from({ length: Math.ceil(size / 2) }, (_, line) =>
    Array.from({ length: size }, (_, column) =>
      halfBlock(isLit(2 * line, column), isLit(2 * line + 1, column)),
    ).join(''),
  );
}

function halfBlock(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
