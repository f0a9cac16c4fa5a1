import type { Square } from './frame.js';

/** ISO/IEC 18004:2015, table 10: where a mask flips a module. */
export const MASKS: readonly ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];

/** §7.8.3: runs, blocks, what looks like a finder pattern, and more of one colour than of the other. */
export function penaltyOf(square: Square): number {
  const lines = [...square, ...square.map((_, column) => square.map((row) => row[column]!))];
  const texts = lines.map((line) => line.map((isDark) => (isDark ? '1' : '0')).join(''));
  return (
    sum(texts, (text) => runPenalty(text) + finderPenalty(text)) +
    blockPenalty(square) +
    balancePenalty(texts)
  );
}

/** N1: 3 for five in a row, and 1 for each more. */
function runPenalty(text: string): number {
  return sum(text.match(/0{5,}|1{5,}/g) ?? [], (run) => run.length - 2);
}

/** Dark and light as 1:1:3:1:1, of any width that fits, with four times as much light before or after. */
const FINDERS = [1, 2, 3].map((width) => {
  const [dark, light] = ['1'.repeat(width), '0'.repeat(width)];
  const pattern = `${dark}${light}${dark.repeat(3)}${light}${dark}`;
  const much = light.repeat(4);
  return new RegExp(`(?<=${much})(?=${pattern}0)|(?<=0)(?=${pattern}${much})`, 'g');
});
const BEYOND = '0'.repeat(12);

/** N3: 40 for each; past the edge all is light. */
function finderPenalty(text: string): number {
  return 40 * sum(FINDERS, (finder) => (BEYOND + text + BEYOND).match(finder)?.length ?? 0);
}

/** N2: 3 for each block of 2 by 2. */
function blockPenalty(square: Square): number {
  let blocks = 0;
  for (let row = 1; row < square.length; row++)
    for (let column = 1; column < square.length; column++) {
      const colour = square[row]![column];
      const others = [square[row - 1]![column - 1], square[row - 1]![column], square[row]![column - 1]];
      if (others.every((other) => other === colour)) blocks++;
    }
  return 3 * blocks;
}

/** N4: 10 for each whole 5 % that the dark ones are away from half. */
function balancePenalty(lines: readonly string[]): number {
  const all = lines.join('');
  const darkPercent = (100 * (all.length - all.replaceAll('1', '').length)) / all.length;
  return 10 * Math.floor(Math.abs(darkPercent - 50) / 5);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
