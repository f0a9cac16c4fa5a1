/** What a person presses, by its purpose. */
export type KeyName =
  | 'enter'
  | 'interrupt'
  | 'tab'
  | 'backspace'
  | 'delete'
  /** Ctrl-D: deletes forward, or ends a text that was asked for. */
  | 'deleteOrEnd'
  | 'left'
  | 'right'
  | 'home'
  | 'end'
  | 'up'
  | 'down'
  | 'killLeft'
  | 'killRight'
  | 'killWord'
  | 'redraw'
  /** Nobody presses it: what was typed of this line so far is to be forgotten, since the rest of it was dropped. */
  | 'lost';

export type Key = { readonly name: KeyName } | { readonly name: 'text'; readonly char: string };

/** Control bytes as Emacs, bash and every line editor since have them. */
const CONTROLS: ReadonlyMap<number, KeyName> = new Map([
  [0x01, 'home'],
  [0x02, 'left'],
  [0x03, 'interrupt'],
  [0x04, 'deleteOrEnd'],
  [0x05, 'end'],
  [0x06, 'right'],
  [0x08, 'backspace'],
  [0x09, 'tab'],
  [0x0b, 'killRight'],
  [0x0c, 'redraw'],
  [0x0d, 'enter'],
  [0x0e, 'down'],
  [0x10, 'up'],
  [0x15, 'killLeft'],
  [0x17, 'killWord'],
  [0x7f, 'backspace'],
]);

/** Last bytes of CSI and SS3 sequences: xterm's control sequences (ctlseqs, PC-Style Function Keys). */
const FINALS: ReadonlyMap<string, KeyName> = new Map([
  ['A', 'up'],
  ['B', 'down'],
  ['C', 'right'],
  ['D', 'left'],
  ['H', 'home'],
  ['F', 'end'],
]);

/** First numbers of sequences that end in `~`: of the VT220 and of rxvt. */
const NUMBERS: ReadonlyMap<string, KeyName> = new Map([
  ['1', 'home'],
  ['3', 'delete'],
  ['4', 'end'],
  ['7', 'home'],
  ['8', 'end'],
]);

/** One object for each, however many wait: a queue of keys stays small. */
const ASCII: readonly Key[] = Array.from({ length: 0x7f }, (_, code) => ({
  name: 'text',
  char: String.fromCharCode(code),
}));

const LF = 0x0a;
const CR = 0x0d;
const ESC = 0x1b;
const PARAMETERS_MAX = 16;
/** What no line holds: controls, formats (they can turn a text's order around), unassigned code points. */
const NOT_TEXT = /[\p{C}\p{Zl}\p{Zp}]/u;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Bytes of a terminal into keys, however they are cut. Unknown sequences, control bytes without a meaning and what is no UTF-8 are dropped; a control
 * byte ends any sequence, so that Enter and Ctrl-C are heard in the middle of noise.
 */
export class KeyDecoder {
  #state: 'text' | 'escape' | 'csi' | 'ss3' | 'linuxFunctionKey' = 'text';
  #parameters = '';
  /** The bytes of one character so far, and how many it has. */
  readonly #char: number[] = [];
  #charBytes = 0;
  #afterCr = false;

  constructor(private readonly emit: (key: Key) => void) {}

  decode(bytes: Uint8Array): void {
    for (const byte of bytes) this.#take(byte);
  }

  #take(byte: number): void {
    const isSecondHalf = byte === LF && this.#afterCr;
    this.#afterCr = byte === CR;
    if (isSecondHalf) return;
    if (byte < 0x20 || byte === 0x7f) this.#control(byte);
    else if (this.#state === 'text') this.#text(byte);
    else this.#sequence(byte);
  }

  #control(byte: number): void {
    this.#charBytes = 0;
    this.#state = byte === ESC ? 'escape' : 'text';
    const name = byte === LF ? 'enter' : CONTROLS.get(byte);
    if (name) this.emit({ name });
  }

  #sequence(byte: number): void {
    const char = String.fromCharCode(byte);
    if (this.#state === 'csi' && byte >= 0x20 && byte < 0x40) {
      if (this.#parameters.length < PARAMETERS_MAX) this.#parameters += char;
      return;
    }
    const name = this.#state === 'escape' ? undefined : this.#named(char);
    this.#state = this.#following(char);
    this.#parameters = '';
    if (name) this.emit({ name });
  }

  #named(final: string): KeyName | undefined {
    if (this.#state === 'linuxFunctionKey') return undefined;
    return final === '~' ? NUMBERS.get(this.#parameters.split(';')[0] ?? '') : FINALS.get(final);
  }

  #following(char: string): 'text' | 'csi' | 'ss3' | 'linuxFunctionKey' {
    if (this.#state === 'escape') return char === '[' ? 'csi' : char === 'O' ? 'ss3' : 'text';
    // Linux's own F1 to F5 are ESC [ [ A to E (console_codes(4)).
    return this.#state === 'csi' && char === '[' && this.#parameters === '' ? 'linuxFunctionKey' : 'text';
  }

  #text(byte: number): void {
    const ascii = ASCII[byte];
    if (ascii) {
      this.#charBytes = 0;
      this.emit(ascii);
      return;
    }
    const continues = (byte & 0xc0) === 0x80;
    if (!continues) {
      this.#char.length = 0;
      this.#charBytes = lengthOf(byte);
    }
    if (this.#charBytes === 0) return;
    if (this.#char.push(byte) < this.#charBytes) return;
    this.#charBytes = 0;
    const char = decoded(this.#char);
    if (char !== undefined && !NOT_TEXT.test(char)) this.emit({ name: 'text', char });
  }
}

/** How many bytes the character has that begins so (RFC 3629 §3); 0 where none does. */
function lengthOf(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

function decoded(bytes: readonly number[]): string | undefined {
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    return undefined; // Noise of the line: dropped, as the class says.
  }
}
