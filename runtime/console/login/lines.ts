import type { Readable } from 'node:stream';

/** A pasted line is under 200 characters; more is noise of the line and is dropped. */
const LINE_MAX = 1024;

/** Lines from a terminal, bounded; what comes while nobody reads waits in the kernel. */
export class LineReader {
  #buffered = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(private readonly input: Readable) {
    input.setEncoding('latin1');
    input.pause();
    input.on('data', (text: string) => {
      this.#buffered = (this.#buffered + text).slice(-4 * LINE_MAX);
      input.pause();
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    input.on('end', end);
    input.on('error', end);
    input.on('close', end);
  }

  /** The next line without its end, at most LINE_MAX of its last characters; undefined after `timeoutMs` or when the line hangs up. */
  async next(timeoutMs: number): Promise<string | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const line = /^([^\r\n]*)(\r\n|\r|\n)/.exec(this.#buffered);
      if (line) {
        this.#buffered = this.#buffered.slice(line[0].length);
        return line[1]?.slice(-LINE_MAX);
      }
      const leftMs = deadline - performance.now();
      if (this.#ended || leftMs <= 0) return undefined;
      await this.#more(leftMs);
    }
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(), timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.input.resume();
    });
  }
}
