import type { Socket } from 'node:net';
import { connectTo } from './socket.js';

const CONNECT_TIMEOUT_MS = 10_000;
const SHOWN = 600;

/** A person at a machine's serial line: types, and waits for what must appear. */
export class SerialConsole {
  #said = '';
  #seen = 0;
  #look: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
      this.#look();
    });
    socket.on('error', (error) => {
      this.#said += `\n[the line: ${error.message}]\n`;
    });
  }

  static async connect(socket: string, timeoutMs = CONNECT_TIMEOUT_MS): Promise<SerialConsole> {
    return new SerialConsole(await connectTo(socket, timeoutMs));
  }

  /** All that was said since the connection. */
  get transcript(): string {
    return this.#said;
  }

  /** Waits for a match in what came after the last one; the error shows the line's end. One caller at a time. */
  expect(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#look = () => undefined;
        reject(
          new Error(`no ${pattern} within ${timeoutMs} ms; the line ends:\n${this.#said.slice(-SHOWN)}`),
        );
      }, timeoutMs);
      this.#look = () => {
        const found = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(
          this.#said.slice(this.#seen),
        );
        if (!found) return;
        clearTimeout(timer);
        this.#look = () => undefined;
        this.#seen += found.index + found[0].length;
        resolve(found);
      };
      this.#look();
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  close(): void {
    this.socket.destroy();
  }
}
