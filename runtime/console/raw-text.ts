/** Bytes a line of hex. */
const HEX_BYTES = 16;

/** Raw bytes as lines for people: text cut at line ends, what can't be printed as `\x1b`; or hex, with how many bytes came before. */
export class RawText {
  #line = '';
  #bytes: number[] = [];
  #count = 0;

  constructor(
    private readonly columns: number,
    private readonly isHex: boolean,
  ) {}

  /** Whole lines of what came so far. */
  take(hex: string): readonly string[] {
    const lines: string[] = [];
    for (const byte of Buffer.from(hex, 'hex')) {
      const line = this.isHex ? this.#hex(byte) : this.#text(byte);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  /** What no end of a line has come for. */
  rest(): readonly string[] {
    const line = this.isHex ? this.#hexLine() : this.#line;
    this.#line = '';
    return line === '' ? [] : [line];
  }

  #text(byte: number): string | undefined {
    if (byte === 0x0d) return undefined;
    const isEnd = byte === 0x0a;
    const shown = isEnd ? '' : isPrintable(byte) ? String.fromCharCode(byte) : escaped(byte);
    const line = this.#line;
    if (!isEnd && line.length + shown.length <= this.columns) {
      this.#line += shown;
      return undefined;
    }
    this.#line = shown;
    return line;
  }

  #hex(byte: number): string | undefined {
    this.#bytes.push(byte);
    return this.#bytes.length === HEX_BYTES ? this.#hexLine() : undefined;
  }

  #hexLine(): string {
    if (this.#bytes.length === 0) return '';
    const hex = this.#bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = this.#bytes.map((byte) => (isPrintable(byte) ? String.fromCharCode(byte) : '.')).join('');
    const line = `${String(this.#count).padStart(6)}  ${hex.padEnd(3 * HEX_BYTES)} ${text}`;
    this.#count += this.#bytes.length;
    this.#bytes = [];
    return line;
  }
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
