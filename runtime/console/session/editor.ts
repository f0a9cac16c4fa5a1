import { type Completer, commonPrefix } from './complete.js';
import { EditLine, LINE_MAX_CHARS } from './edit-line.js';
import type { History, HistoryWalk } from './history.js';
import { KeyQueue } from './key-queue.js';
import { type Key, KeyDecoder, type KeyName } from './keys.js';
import { Row } from './row.js';

const BEL = '\x07';
/** At 9600 baud a third of a second. */
const LISTED_MAX_CHARS = 320;

export interface EditorPorts {
  write(text: string): void;
  /** Ends the row, where something stands on it. */
  freshRow(): void;
  drained(): Promise<void>;
  readonly columns: number;
  /** Ctrl-C, as soon as its byte is there; what was typed before it is gone already. */
  onInterrupt(): void;
  /** Enter, as soon as its byte is there. */
  onEnter(): void;
}

export interface ReadOptions {
  readonly prompt: string;
  /** Ends the reading without a line. */
  readonly signal: AbortSignal;
  /** Shows `*` for each character. */
  readonly masked?: boolean;
  /** Lines to walk through; whoever reads adds to it. */
  readonly history?: History;
  readonly complete?: Completer;
  /** Whether Ctrl-D on an empty line ends the reading. */
  readonly endsByCtrlD?: boolean;
}

/** What came of reading a line. */
export type Typed =
  | { readonly kind: 'line'; readonly text: string }
  /** It was longer than a line may be: it isn't what was meant, and nothing is to be done with it. */
  | { readonly kind: 'tooLong' }
  /** Ctrl-C. */
  | { readonly kind: 'interrupted' }
  /** Ctrl-D where it ends, the end of a pipe, or the signal. */
  | { readonly kind: 'ended' };

/** One line being read. */
interface Reading {
  readonly options: ReadOptions;
  readonly line: EditLine;
  readonly walk: HistoryWalk | undefined;
  /** The key before was a Tab that changed nothing: another one lists. */
  wasTab: boolean;
}

/** Reads lines from bytes, with editing, and writes nothing but printable text, CR, LF, BS and BEL. One reads at a time. */
export class Editor {
  readonly #queue = new KeyQueue();
  readonly #decoder = new KeyDecoder((key) => this.#take(key));
  readonly #row: Row;
  #reading: Reading | undefined;
  #isInterrupted = false;
  #isLast = false;
  #isRinging = false;
  #wake: () => void = () => undefined;

  constructor(private readonly ports: EditorPorts) {
    this.#row = new Row(ports.columns);
  }

  feed(bytes: Uint8Array): void {
    this.#decoder.decode(bytes);
    this.#wake();
  }

  /** No more bytes come: once those that wait are worked off, readings end. */
  finish(): void {
    this.#isLast = true;
    this.#wake();
  }

  /** Lines that came faster than they were read, and that are gone, since it was last asked. */
  takeLostLines(): number {
    const lost = this.#queue.lostLines;
    this.#queue.lostLines = 0;
    return lost;
  }

  /** Forgets the lines that wait, and the rest of one that is being typed. */
  forgetTypeAhead(): void {
    this.#queue.clearLines();
  }

  /** A text of somebody else's, above the line that is being read. */
  interject(text: string): void {
    this.ports.freshRow();
    this.ports.write(`${text}\n`);
    this.#row.begin();
    if (this.#reading) this.#show(this.#reading);
  }

  async read(options: ReadOptions): Promise<Typed> {
    const reading: Reading = { options, line: new EditLine(), walk: options.history?.walk(), wasTab: false };
    const wake = () => this.#wake();
    options.signal.addEventListener('abort', wake);
    this.#reading = reading;
    this.#isInterrupted = false;
    this.#row.begin();
    try {
      return await this.#read(reading);
    } finally {
      this.#reading = undefined;
      options.signal.removeEventListener('abort', wake);
    }
  }

  async #read(reading: Reading): Promise<Typed> {
    for (;;) {
      const typed = this.#work(reading);
      if (typed) return typed;
      this.#show(reading);
      // What is shown never runs ahead of the line: keys that come meanwhile are shown in one go.
      await this.ports.drained();
      await this.#more(reading.options.signal);
    }
  }

  #more({ aborted }: AbortSignal): Promise<void> {
    if (aborted || this.#isInterrupted || this.#queue.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = () => undefined;
        resolve();
      };
    });
  }

  #take(key: Key): void {
    if (key.name === 'interrupt') {
      this.#queue.clear();
      this.#isInterrupted = true;
      this.ports.onInterrupt();
      this.ports.write('^C\n');
      return;
    }
    if (key.name === 'enter') this.ports.onEnter();
    this.#queue.push(key);
  }

  /** Keys up to the line's end, or as many as there are. */
  #work(reading: Reading): Typed | undefined {
    const { line, options } = reading;
    if (this.#isInterrupted) return { kind: 'interrupted' };
    if (options.signal.aborted) return this.#end({ kind: 'ended' });
    for (let key = this.#queue.shift(); key; key = this.#queue.shift()) {
      if (key.name === 'enter') {
        const { isCut } = line;
        line.press('end');
        this.#show(reading);
        return this.#end(isCut ? { kind: 'tooLong' } : { kind: 'line', text: line.text });
      }
      const isEnd = key.name === 'deleteOrEnd' && line.chars.length === 0 && options.endsByCtrlD;
      if (isEnd) return this.#end({ kind: 'ended' });
      this.#press(key, reading);
      // They say more than a character: the next one waits until that is on the line.
      if (key.name === 'tab' || key.name === 'redraw') break;
    }
    // Half a line is none.
    return this.#isLast && this.#queue.length === 0 ? this.#end({ kind: 'ended' }) : undefined;
  }

  #end(typed: Typed): Typed {
    this.ports.write('\n');
    return typed;
  }

  #press(key: Key, reading: Reading): void {
    const { line, wasTab } = reading;
    reading.wasTab = false;
    if (key.name === 'text') this.#insert(line, key.char);
    else if (key.name === 'tab') this.#tab(reading, wasTab);
    else if (key.name === 'up' || key.name === 'down') this.#walk(reading, key.name);
    else if (key.name === 'redraw') this.#redraw();
    else if (key.name === 'lost') line.replace('');
    else this.#edit(line, key.name);
  }

  #insert(line: EditLine, char: string): void {
    const wasCut = line.isCut;
    // Once for a line: a pasted one would ring for each character.
    if (!line.insert(char) && !wasCut) this.#isRinging = true;
  }

  #edit(line: EditLine, key: KeyName): void {
    if (!line.press(key)) this.#isRinging = true;
  }

  #walk({ walk, line }: Reading, key: 'up' | 'down'): void {
    const text = walk?.step(key === 'up' ? -1 : 1, line.text);
    if (text === undefined) this.#isRinging = true;
    else line.replace(text);
  }

  /** The row anew on the next one: whatever was said over it stays above. */
  #redraw(): void {
    this.ports.write('\n');
    this.#row.begin();
  }

  #tab(reading: Reading, isSecond: boolean): void {
    const { line, options } = reading;
    if (!options.complete) {
      this.#insert(line, '\t');
      return;
    }
    const { word, candidates } = options.complete(line.before);
    const isOnly = candidates.length === 1;
    const more = commonPrefix(candidates).slice(word.length) + (isOnly ? ' ' : '');
    if (more !== '') for (const char of more) this.#insert(line, char);
    else if (candidates.length > 1 && isSecond) this.#list(reading, candidates);
    else {
      reading.wasTab = true;
      this.#isRinging = true;
    }
  }

  #list(reading: Reading, candidates: readonly string[]): void {
    let shown = 0;
    for (let chars = 0; shown < candidates.length; shown++) {
      chars += candidates[shown]!.length + 2;
      if (chars > LISTED_MAX_CHARS) break;
    }
    const rest = candidates.length - shown;
    this.#show(reading);
    this.interject(candidates.slice(0, shown).join('  ') + (rest > 0 ? `  and ${rest} more` : ''));
  }

  #show({ line, options }: Reading): void {
    const chars = options.masked ? line.chars.map(() => '*') : line.chars;
    const row = this.#row.show({ prompt: options.prompt, chars, at: line.at });
    this.ports.write(this.#isRinging ? BEL + row : row);
    this.#isRinging = false;
  }
}

/** Said where a line was too long. */
export const TOO_LONG = `The line has more than ${LINE_MAX_CHARS} characters: nothing was done with it.`;
