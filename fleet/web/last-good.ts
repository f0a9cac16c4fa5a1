/** Characters of all pages together. */
const MAX_CHARS = 16 << 20;

export interface Kept {
  readonly text: string;
  readonly atMs: number;
}

/** Pages as they were when they were last good; those that were seen least lately go first. */
export class LastGood {
  readonly #pages = new Map<string, Kept>();
  #chars = 0;

  keep(key: string, text: string, atMs: number): void {
    this.#forget(key);
    this.#pages.set(key, { text, atMs });
    this.#chars += text.length;
    for (const oldest of this.#pages.keys()) {
      if (this.#chars <= MAX_CHARS) break;
      this.#forget(oldest);
    }
  }

  find(key: string): Kept | undefined {
    return this.#pages.get(key);
  }

  #forget(key: string): void {
    this.#chars -= this.#pages.get(key)?.text.length ?? 0;
    this.#pages.delete(key);
  }
}
