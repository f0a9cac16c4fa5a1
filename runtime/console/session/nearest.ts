/** The name that was most likely meant: a third of it wrong at most; undefined where none is near. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const bound = Math.max(1, Math.floor(name.length / 3));
    // A difference in length alone is a distance: noise of a thousand characters isn't compared.
    if (Math.abs(name.length - word.length) > bound) continue;
    const found = distance(word.toLowerCase(), name);
    if (found <= bound && found < least) [best, least] = [name, found];
  }
  return best;
}

/** Characters to insert, delete, change, or to swap with their neighbour (optimal string alignment; Damerau 1964). */
export function distance(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, change);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
