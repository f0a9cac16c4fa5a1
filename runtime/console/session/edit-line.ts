import type { KeyName } from './keys.js';

/** More than any command has, and few enough that a line of noise stays small. */
export const LINE_MAX_CHARS = 1024;

/** A line of text and the place in it where the next character goes; a character is a code point. */
export class EditLine {
  #chars: string[] = [];
  #at = 0;
  /** Characters went past its end, and nobody has edited it since: it isn't what was meant. */
  isCut = false;

  get chars(): readonly string[] {
    return this.#chars;
  }

  get at(): number {
    return this.#at;
  }

  get text(): string {
    return this.#chars.join('');
  }

  /** The text before the place. */
  get before(): string {
    return this.#chars.slice(0, this.#at).join('');
  }

  /** False where the line is full. */
  insert(char: string): boolean {
    if (this.#chars.length >= LINE_MAX_CHARS) {
      this.isCut = true;
      return false;
    }
    this.#chars.splice(this.#at++, 0, char);
    return true;
  }

  /** Another text in its place, as history has it. */
  replace(text: string): void {
    this.#chars = [...text].slice(0, LINE_MAX_CHARS);
    this.#at = this.#chars.length;
    this.isCut = false;
  }

  /** False where the key changes nothing: at an end, or no key of editing. */
  press(key: KeyName): boolean {
    const [from, to] = this.#range(key);
    this.isCut = false;
    if (to > from) {
      this.#chars.splice(from, to - from);
      this.#at = from;
      return true;
    }
    const before = this.#at;
    this.#at = this.#moved(key);
    return this.#at !== before;
  }

  /** What the key deletes; nothing where it deletes nothing. */
  #range(key: KeyName): readonly [from: number, to: number] {
    const [at, end] = [this.#at, this.#chars.length];
    switch (key) {
      case 'backspace':
        return [Math.max(0, at - 1), at];
      case 'delete':
      case 'deleteOrEnd':
        return [at, Math.min(end, at + 1)];
      case 'killLeft':
        return [0, at];
      case 'killRight':
        return [at, end];
      case 'killWord':
        return [this.#wordBefore(), at];
      default:
        return [at, at];
    }
  }

  #moved(key: KeyName): number {
    switch (key) {
      case 'left':
        return Math.max(0, this.#at - 1);
      case 'right':
        return Math.min(this.#chars.length, this.#at + 1);
      case 'home':
        return 0;
      case 'end':
        return this.#chars.length;
      default:
        return this.#at;
    }
  }

  /** Blanks before the place, then what is not blank. */
  #wordBefore(): number {
    let at = this.#at;
    while (at > 0 && this.#chars[at - 1] === ' ') at--;
    while (at > 0 && this.#chars[at - 1] !== ' ') at--;
    return at;
  }
}
