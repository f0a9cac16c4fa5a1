/** What a dumb terminal shows: printable text, CR, LF, BS and BEL are all that it knows; it wraps at its last column. */
export class Screen {
  readonly rows: string[][] = [[]];
  column = 0;
  bells = 0;
  #text = '';

  constructor(private readonly columns: number) {}

  /** All that was written to it. */
  get text(): string {
    return this.#text;
  }

  /** The last row, without blanks at its end. */
  get row(): string {
    return Array.from(this.rows.at(-1)!, (cell) => cell ?? ' ')
      .join('')
      .trimEnd();
  }

  readonly write = (text: string): void => {
    this.#text += text;
    for (const char of text.replaceAll(/\r?\n/g, '\r\n')) this.#put(char);
  };

  #put(char: string): void {
    if (char === '\r') this.column = 0;
    else if (char === '\n') this.rows.push([]);
    else if (char === '\b') this.column = Math.max(0, this.column - 1);
    else if (char === '\x07') this.bells++;
    else if (/\p{C}/u.test(char)) throw new Error(`no dumb terminal knows ${JSON.stringify(char)}`);
    else this.#print(char);
  }

  #print(char: string): void {
    if (this.column === this.columns) {
      this.rows.push([]);
      this.column = 0;
    }
    this.rows.at(-1)![this.column++] = char;
  }
}
