import type { RuntimeClock } from '../../clock/types.js';
import { Editor } from './editor.js';
import { Pacer } from './pacer.js';
import { plain } from './terminal.js';
import type { Dialogue, Line, SessionEnd } from './types.js';

/** For the last words of a session. */
const LAST_WORDS_MS = 1000;

export interface SessionOptions {
  readonly line: Line;
  readonly clock: Pick<RuntimeClock, 'nowNs' | 'after'>;
}

/** A person at a line, from the first byte to the last: what they type, what they are told, and that it is over. */
export class Session implements Dialogue {
  readonly pacer: Pacer;
  readonly editor: Editor;
  readonly columns: number;
  readonly clock: SessionOptions['clock'];
  readonly lend: Line['lend'];
  /** What is done on Ctrl-C and on Enter while a command runs. */
  onInterrupt: () => void = () => undefined;
  onEnter: () => void = () => undefined;
  readonly #over = new AbortController();

  constructor({ line, clock }: SessionOptions) {
    this.clock = clock;
    this.columns = line.columns;
    this.lend = line.lend;
    this.pacer = new Pacer({ line, clock, onStuck: () => this.end('stuck') });
    this.editor = new Editor({
      columns: line.columns,
      write: (text) => this.pacer.write(text),
      freshRow: () => this.pacer.freshRow(),
      drained: () => this.pacer.drained(),
      onInterrupt: () => {
        this.pacer.drop();
        this.onInterrupt();
      },
      onEnter: () => this.onEnter(),
    });
    line.listen(
      (bytes) => this.editor.feed(bytes),
      (why) => this.end(why),
      () => this.editor.finish(),
    );
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Why it is over; undefined while it is not. */
  get ended(): SessionEnd | undefined {
    return this.signal.aborted ? (this.signal.reason as SessionEnd) : undefined;
  }

  /** The first reason holds. Where the line is gone nothing more is said. */
  end(why: SessionEnd): void {
    if (why === 'hangUp' || why === 'stuck') this.pacer.close();
    this.pacer.release();
    this.#over.abort(why);
  }

  say(text: string): void {
    this.pacer.write(`${plain(text)}\n`);
  }

  drained(): Promise<void> {
    return this.pacer.drained();
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.clock.after(ms, done);
      this.signal.addEventListener('abort', done);
    });
  }

  /** One piece of work that can be stopped, and that the session's end stops too. */
  async during<T>(work: (stop: AbortController) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const end = () => stop.abort();
    if (this.ended) end();
    this.signal.addEventListener('abort', end);
    try {
      return await work(stop);
    } finally {
      this.signal.removeEventListener('abort', end);
    }
  }

  /** What was said gets its time to be heard, and no more. */
  close(): Promise<void> {
    return this.pacer.finish(LAST_WORDS_MS);
  }

  /** A fault that a command let loose, in a callback of its own, say: it is told, and the session goes on. */
  guard(): void {
    const tell = (error: unknown) =>
      this.editor.interject(`A fault of the program; please report it:\n${plain(stackOf(error))}`);
    process.on('uncaughtException', tell);
    process.on('unhandledRejection', tell);
  }

  async readLine(
    prompt: string,
    options: { readonly masked?: boolean; readonly timeoutMs?: number } = {},
  ): Promise<string | undefined> {
    const { masked = false, timeoutMs } = options;
    const typed = await this.during((stop) => {
      const timer = timeoutMs === undefined ? undefined : this.clock.after(timeoutMs, () => stop.abort());
      const reading = this.editor.read({ prompt, masked, signal: stop.signal, endsByCtrlD: true });
      return reading.finally(() => timer?.cancel());
    });
    return typed.kind === 'line' ? typed.text : undefined;
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
