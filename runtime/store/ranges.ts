/**
 * A set of whole numbers (0 to 2^53 - 1) as sorted, disjoint, non-touching half-open ranges [from, to). What leaves the store in order is
 * one range, however long the store lives.
 */
export class RangeSet {
  /** from, to, from, to, … */
  readonly #bounds: number[];

  constructor(bounds: readonly number[] = []) {
    this.#bounds = [...bounds];
  }

  get rangeCount(): number {
    return this.#bounds.length / 2;
  }

  /** from, to, from, to, …: for keeping. */
  get bounds(): readonly number[] {
    return this.#bounds;
  }

  *[Symbol.iterator](): Generator<readonly [from: number, to: number]> {
    for (let i = 0; i < this.#bounds.length; i += 2) yield [this.#bounds[i]!, this.#bounds[i + 1]!];
  }

  add(from: number, to: number): void {
    if (from >= to) return;
    // The first range that ends at or after `from`, and the first that starts after `to`: all between melt into one.
    const first = this.#firstEndingAtOrAfter(from);
    let after = first;
    while (after < this.#bounds.length && this.#bounds[after]! <= to) after += 2;
    const low = first < after ? Math.min(from, this.#bounds[first]!) : from;
    const high = first < after ? Math.max(to, this.#bounds[after - 1]!) : to;
    this.#bounds.splice(first, after - first, low, high);
  }

  /** Its bounds but for those of `gaps` that end. */
  without(gaps: readonly { readonly first: number; readonly last: number | undefined }[]): readonly number[] {
    const others = new RangeSet();
    for (const { first, last } of gaps) if (last !== undefined) others.add(first, last + 1);
    const bounds: number[] = [];
    for (const [from, to] of this) for (const [a, b] of others.missing(from, to)) bounds.push(a, b);
    return bounds;
  }

  /** Whether all of [from, to) is in the set. */
  covers(from: number, to: number): boolean {
    if (from >= to) return true;
    const i = this.#firstEndingAtOrAfter(from + 1);
    return i < this.#bounds.length && this.#bounds[i]! <= from && this.#bounds[i + 1]! >= to;
  }

  /** How many ranges the set would have more if [from, to) were added: 1, 0 or fewer. */
  growth(from: number, to: number): number {
    const first = this.#firstEndingAtOrAfter(from);
    let after = first;
    while (after < this.#bounds.length && this.#bounds[after]! <= to) after += 2;
    return 1 - (after - first) / 2;
  }

  /** The parts of [from, to) that are not in the set, in order. */
  missing(from: number, to: number): readonly (readonly [from: number, to: number])[] {
    const holes: (readonly [number, number])[] = [];
    let at = from;
    for (let i = this.#firstEndingAtOrAfter(from + 1); i < this.#bounds.length && at < to; i += 2) {
      if (this.#bounds[i]! > at) holes.push([at, Math.min(this.#bounds[i]!, to)]);
      at = Math.max(at, this.#bounds[i + 1]!);
    }
    if (at < to) holes.push([at, to]);
    return holes;
  }

  /** Index of the first range whose end is ≥ `value` (binary search), or the length. */
  #firstEndingAtOrAfter(value: number): number {
    let low = 0;
    let high = this.rangeCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#bounds[2 * middle + 1]! < value) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}
