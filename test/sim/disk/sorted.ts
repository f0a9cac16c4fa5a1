import type { LevelOperation } from '../../../runtime/store/index.js';

/** One key of a database; never changed once made. */
export interface Entry {
  /** The key's bytes as characters: their order is the bytes' order. */
  readonly k: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

/** Keys and values in the order of their keys. */
export class SortedEntries {
  #entries: Entry[];

  constructor(entries: readonly Entry[] = []) {
    this.#entries = [...entries];
  }

  get all(): readonly Entry[] {
    return this.#entries;
  }

  get(k: string): Entry | undefined {
    const at = this.#lower(k);
    const found = this.#entries[at];
    return found?.k === k ? found : undefined;
  }

  /** What stood there before, if anything. */
  apply(operation: LevelOperation): Entry | undefined {
    const k = keyText(operation.key);
    const at = this.#lower(k);
    const found = this.#entries[at];
    const before = found?.k === k ? found : undefined;
    if (operation.type === 'del') {
      if (before) this.#entries.splice(at, 1);
      return before;
    }
    const entry = { k, key: operation.key, value: operation.value };
    if (before) this.#entries[at] = entry;
    else if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
    return before;
  }

  replace(entry: Entry): void {
    const at = this.#lower(entry.k);
    if (this.#entries[at]?.k === entry.k) this.#entries[at] = entry;
  }

  /** A copy: later changes don't show in it. */
  range(from: string, to: string): readonly Entry[] {
    return this.#entries.slice(this.#lower(from), this.#lower(to));
  }

  #lower(k: string): number {
    const entries = this.#entries;
    const last = entries.at(-1);
    if (last === undefined || last.k < k) return entries.length;
    let low = 0;
    let high = entries.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle]!.k < k) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
