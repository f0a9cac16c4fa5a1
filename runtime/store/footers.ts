import type { LogClass } from '../../wire/index.js';
import { valueId } from './keys.js';
import type { ValueEntry } from './value.js';

/** In each of two generations; together more than receipts that wait for a batch, and about a megabyte. */
const MAX_ENTRIES = 4096;

/** What a deletion needs to know of a value. */
export interface Footer {
  readonly entries: readonly ValueEntry[];
  /** Of the whole value. */
  readonly bytes: number;
}

/**
 * The footers that were read last: the receipts of a value's blocks come soon after its reading, and LevelDB needn't be asked for it again.
 * Only of values that the database holds: a deletion takes its value's out. The older half goes at once (a Map's oldest key is found slowly).
 */
export class Footers {
  #young = new Map<number, Footer>();
  #old = new Map<number, Footer>();
  #youngEntries = 0;

  get(name: LogClass, commit: number): Footer | undefined {
    const id = valueId(name, commit);
    return this.#young.get(id) ?? this.#old.get(id);
  }

  put(name: LogClass, commit: number, footer: Footer): void {
    if (this.#youngEntries + footer.entries.length > MAX_ENTRIES) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngEntries = 0;
    }
    this.#young.set(valueId(name, commit), footer);
    this.#youngEntries += footer.entries.length;
  }

  delete(name: LogClass, commit: number): void {
    const id = valueId(name, commit);
    this.#young.delete(id);
    this.#old.delete(id);
  }

  /** Another database may not hold what this one did. */
  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngEntries = 0;
  }
}
