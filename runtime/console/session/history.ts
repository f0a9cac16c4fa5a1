const LINES_MAX = 100;

/** Lines that were run, oldest first; none twice in a row. The oldest goes when it is full. */
export class History {
  readonly #lines: string[] = [];

  add(line: string): void {
    if (line.trim() === '' || line === this.#lines.at(-1)) return;
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  /** A walk through it from the newest on; what is being typed waits at its end. */
  walk(): HistoryWalk {
    return new HistoryWalk([...this.#lines]);
  }
}

export class HistoryWalk {
  #at: number;
  #draft = '';

  constructor(private readonly lines: readonly string[]) {
    this.#at = lines.length;
  }

  /** The line before (-1) or after (1) this one; undefined where there is none. */
  step(by: -1 | 1, current: string): string | undefined {
    const to = this.#at + by;
    if (to < 0 || to > this.lines.length) return undefined;
    if (this.#at === this.lines.length) this.#draft = current;
    this.#at = to;
    return this.lines[to] ?? this.#draft;
  }
}
