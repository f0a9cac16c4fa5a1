import { createHash } from 'node:crypto';

/** All that happens, as lines, hashed; the last of them are kept for a report. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];
  #chunk = '';
  readonly counts = new Map<string, number>();

  constructor(
    readonly now: () => number,
    /** Lines kept; 0: none, which is faster. */
    readonly keep = 0,
    readonly print?: (line: string) => void,
  ) {}

  /** `what` is a fixed word, `detail` whatever makes the event this one. */
  note(what: string, detail: string | number = ''): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    const line = `${this.now()} ${what} ${detail}\n`;
    this.#chunk += line;
    if (this.#chunk.length > 16_384) this.#flush();
    if (this.keep > 0) this.#remember(line);
    this.print?.(`${(this.now() / 1e9).toFixed(6).padStart(14)} ${what} ${detail}`);
  }

  get last(): readonly string[] {
    return this.#last;
  }

  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#chunk);
    this.#chunk = '';
  }

  #remember(line: string): void {
    this.#last.push(line.trimEnd());
    if (this.#last.length > this.keep) this.#last.shift();
  }
}
