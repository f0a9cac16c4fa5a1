/** Characters that take one column on every terminal; others are shown by a stand-in, so that the cursor is where it seems to be. */
const ONE_COLUMN =
  /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u03ff\u0400-\u0482\u048a-\u052f\u1e00-\u1fff\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u21ff\u2500-\u257f]$/;
const STAND_IN = '?';
/** So much of the row is the line's at least, however long the prompt is. */
const FIELD_MIN = 20;

/** What the editor wants to be seen. */
export interface Shown {
  readonly prompt: string;
  readonly chars: readonly string[];
  /** The cursor's place among them. */
  readonly at: number;
}

/**
 * The one row of a terminal that is edited, kept as it should be by the fewest characters: printable text, BS and CR, and nothing that a dumb
 * terminal doesn't know. A line that is longer than the row is seen through a window, which jumps by half of it: BS goes back over no row's end.
 */
export class Row {
  /** What is on the screen. */
  #cells: readonly string[] = [];
  #cursor = 0;
  #windowAt = 0;
  readonly #width: number;

  /** `columns`: of the terminal; the last one stays free, since some wrap as soon as it is written. */
  constructor(columns: number) {
    this.#width = Math.max(2 * FIELD_MIN, columns - 1);
  }

  /** A row where nothing is yet, the cursor at its beginning. */
  begin(): void {
    this.#cells = [];
    this.#cursor = 0;
    this.#windowAt = 0;
  }

  /** The text that makes the row show this. */
  show({ prompt, chars, at }: Shown): string {
    const head = [...prompt].slice(-(this.#width - FIELD_MIN)).map(shownAs);
    const field = this.#width - head.length;
    this.#windowAt = windowAt(this.#windowAt, at, chars.length, field);
    const cells = [...head, ...chars.slice(this.#windowAt, this.#windowAt + field).map(shownAs)];
    return this.#change(cells) + this.#moveTo(head.length + at - this.#windowAt);
  }

  #change(cells: readonly string[]): string {
    const length = Math.max(cells.length, this.#cells.length);
    const differs = (i: number) => (cells[i] ?? ' ') !== (this.#cells[i] ?? ' ');
    let from = 0;
    while (from < length && !differs(from)) from++;
    let to = length;
    while (to > from && !differs(to - 1)) to--;
    if (from === to) {
      this.#cells = cells;
      return '';
    }
    const move = this.#moveTo(from);
    this.#cells = cells;
    this.#cursor = to;
    return move + this.#text(from, to);
  }

  /** Back by BS or by CR and the text before, whatever is shorter; forward by the text itself. */
  #moveTo(column: number): string {
    const from = this.#cursor;
    this.#cursor = column;
    if (column >= from) return this.#text(from, column);
    return from - column <= column + 1 ? '\b'.repeat(from - column) : `\r${this.#text(0, column)}`;
  }

  #text(from: number, to: number): string {
    let text = '';
    for (let i = from; i < to; i++) text += this.#cells[i] ?? ' ';
    return text;
  }
}

/** Where the window begins so that the cursor is in it: where it was, or half a window from the cursor. */
function windowAt(was: number, at: number, length: number, field: number): number {
  if (length <= field) return 0;
  return at >= was && at <= was + field ? was : Math.max(0, at - (field >> 1));
}

export function shownAs(char: string): string {
  if (char === '\t') return ' ';
  return ONE_COLUMN.test(char) ? char : STAND_IN;
}
