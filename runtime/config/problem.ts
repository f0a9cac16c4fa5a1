import type { ConfigProblem, Place } from './types.js';

/** `depot.yaml:7:13: what is wrong (wanted: what would be right)`: one line a problem. */
export function formatProblem(problem: ConfigProblem): string {
  return `${formatPlace(problem)}: ${problem.what} (wanted: ${problem.wanted})`;
}

/** `depot.yaml:7:13` */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}

/** What a check found wrong, gathered: nobody mends a file one error a run. */
export class Problems {
  readonly #all: ConfigProblem[] = [];

  add(place: Place, what: string, wanted: string): void {
    const { file, line, column } = place;
    this.#all.push({ file: printable(file), line, column, what: printable(what), wanted: printable(wanted) });
  }

  /** A name that isn't one of `names`: with the one that was most likely meant, and all there are. */
  addUnknown(place: Place, what: string, name: string, names: readonly string[]): void {
    const meant = nearest(name, names);
    this.add(place, meant === undefined ? what : `${what}; did you mean '${meant}'?`, oneOf(names));
  }

  get count(): number {
    return this.#all.length;
  }

  /** By file and place, each once: a value read by two schemas is wrong once. */
  sorted(): readonly ConfigProblem[] {
    const unique = new Map(this.#all.map((problem) => [formatProblem(problem), problem]));
    return [...unique.values()].sort(
      (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
    );
  }
}

/** A problem is one line on a terminal, whatever the file says: line ends and control characters become dots. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');
}

/** `a, b or c`; `nothing` for an empty list. */
export function oneOf(names: readonly string[]): string {
  if (names.length === 0) return 'nothing';
  if (names.length === 1) return names[0]!;
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** The name within two typing errors of `wrong` (one in a short word), the nearest first; undefined where there is none. */
function nearest(wrong: string, names: readonly string[]): string | undefined {
  const limit = wrong.length <= 4 ? 1 : 2;
  const ranked = names
    .map((name) => ({ name, distance: editDistance(wrong.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= limit && digitsOf(name) === digitsOf(wrong))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.name;
}

/** Another number isn't a typing error: GPIO40 is no GPIO4, but bme208 is a bme280. */
function digitsOf(name: string): string {
  return [...name.replace(/\D/g, '')].sort().join('');
}

/** Levenshtein distance with neighbours swapped as one error; names over 64 characters count as far. */
function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        rows[i - 1]![j]! + 1,
        row[j - 1]! + 1,
        substitution,
        swapped ? rows[i - 2]![j - 2]! + 1 : substitution,
      );
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
