import type { Key } from './keys.js';

/** A pasted file waits here while its lines are worked off one by one: no node file is longer. */
export const KEYS_MAX = 65_536;

/**
 * Keys that wait for whoever reads the line. When it is full, what came last goes, whole lines of it: half a line must never be run. Ctrl-C
 * never waits here: it empties the queue.
 */
export class KeyQueue {
  #keys: Key[] = [];
  #at = 0;
  /** The rest of a line whose beginning was dropped is dropped too, with its Enter or without. */
  #skips: 'nothing' | 'toEnter' | 'throughEnter' = 'nothing';
  /** Lines dropped so far because they came faster than they were worked off. */
  lostLines = 0;

  get length(): number {
    return this.#keys.length - this.#at;
  }

  push(key: Key): void {
    const skips = this.#skips;
    if (skips !== 'nothing' && key.name !== 'enter') return;
    this.#skips = 'nothing';
    if (skips === 'throughEnter') return;
    if (this.length >= KEYS_MAX) this.#dropLastLine(key);
    else this.#keys.push(key);
  }

  shift(): Key | undefined {
    const key = this.#keys[this.#at];
    if (key === undefined) return undefined;
    this.#at++;
    if (this.#at === this.#keys.length || this.#at === KEYS_MAX) {
      this.#keys = this.#keys.slice(this.#at);
      this.#at = 0;
    }
    return key;
  }

  /** All that waits goes. */
  clear(): void {
    this.#keys = [];
    this.#at = 0;
    this.#skips = 'nothing';
  }

  /** All that waits goes, and of a line that has begun the part of it that is still to come. */
  clearLines(): void {
    const isMidLine = this.length > 0 && this.#keys.at(-1)?.name !== 'enter';
    this.clear();
    if (isMidLine) this.#skips = 'toEnter';
  }

  #dropLastLine(key: Key): void {
    this.lostLines++;
    const end = this.#keys.findLastIndex(({ name }, i) => i >= this.#at && name === 'enter');
    if (end >= 0) {
      this.#keys.length = end + 1;
      if (key.name !== 'enter') this.#skips = 'throughEnter';
      return;
    }
    // The line began before the queue did: whoever reads it is told that the rest is lost.
    this.clear();
    this.#keys.push({ name: 'lost' });
    if (key.name === 'enter') this.#keys.push(key);
    else this.#skips = 'toEnter';
  }
}
