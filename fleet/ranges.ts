export interface Range {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** A set of whole numbers as disjoint ranges in order; what touches is one. */
export class Ranges {
  #ranges: Range[] = [];

  constructor(ranges: Iterable<Range> = []) {
    for (const { first, last } of ranges) this.add(first, last);
  }

  get list(): readonly Range[] {
    return this.#ranges;
  }

  get count(): number {
    return this.#ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  /** One past the greatest; 0 when empty. */
  get end(): number {
    return (this.#ranges.at(-1)?.last ?? -1) + 1;
  }

  add(first: number, last: number): void {
    const from = this.#firstEndingAt(first - 1);
    let to = from;
    let merged: Range = { first, last };
    for (let next = this.#ranges[to]; next && next.first <= last + 1; next = this.#ranges[++to]) {
      merged = { first: Math.min(merged.first, next.first), last: Math.max(merged.last, next.last) };
    }
    this.#ranges.splice(from, to - from, merged);
  }

  /** It overlaps or touches what is there: adding it makes no further range. */
  touches(first: number, last: number): boolean {
    return this.countIn(first - 1, last + 1) > 0;
  }

  /** How many of [first, last] are in the set. */
  countIn(first: number, last: number): number {
    let count = 0;
    for (let at = this.#firstEndingAt(first); ; at++) {
      const range = this.#ranges[at];
      if (!range || range.first > last) return count;
      count += Math.min(range.last, last) - Math.max(range.first, first) + 1;
    }
  }

  /** This set without another. */
  minus(other: Ranges): Ranges {
    const left = new Ranges();
    for (const { first, last } of this.#ranges) {
      let at = first;
      for (let i = other.#firstEndingAt(first); ; i++) {
        const hole = other.#ranges[i];
        if (!hole || hole.first > last) break;
        if (hole.first > at) left.add(at, hole.first - 1);
        at = hole.last + 1;
      }
      if (at <= last) left.add(at, last);
    }
    return left;
  }

  /** The index of the first range whose last is at least `value`. */
  #firstEndingAt(value: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranges[middle]!.last < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
