import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Take } from './types.js';

const DEFAULT_PORT = 9000;
/** The longest line with all fields is 150. */
const MAX_LINE_BYTES = 256;
const MAX_CONNECTIONS = 1024;
const IDLE_MS = 10 * 60_000;
/** Lines of a connection that can't be read; then it is closed. */
const MAX_BAD_LINES = 16;
const HEAD = /^\$CTRK,([A-Za-z0-9-]{1,32}),(\d{1,16}),/;
const LF = 0x0a;

export interface LineListenerOptions {
  readonly host: string;
  /** 9000; 0 is any that is free. */
  readonly port?: number;
  readonly take: Take;
  /** Ids that may speak; absent: any. A line proves nothing about who sent it. */
  readonly ids?: ReadonlySet<string>;
  readonly idleMs?: number;
  /** At once; 1,024 when absent. */
  readonly maxConnections?: number;
}

export interface LineListener {
  readonly port: number;
  /** Lines and connections that were turned away, by cause. */
  readonly turnedAway: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** Small trackers over TCP, a line a position (docs/fleet/listener.md): `OK <seq>` once it is held, `NO <seq> <cause>` where it isn't taken. */
export async function lineListener(options: LineListenerOptions): Promise<LineListener> {
  const listener = new Listener(options);
  await listener.listen();
  return listener;
}

class Listener implements LineListener {
  readonly #server: Server;
  /** Who was silent the longest comes first. */
  readonly #sockets = new Set<Socket>();
  readonly #pushedOut = new WeakSet<Socket>();
  readonly turnedAway: Record<string, number> = {};

  constructor(private readonly options: LineListenerOptions) {
    // Who has said all and ends its side waits for the answers still.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#serve(socket).catch((error: Error) => {
        this.#count(this.#pushedOut.has(socket) ? 'tooManyConnections' : 'connection');
        socket.destroy(error);
      });
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  async listen(): Promise<void> {
    const { host, port = DEFAULT_PORT } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, host, resolve);
    });
  }

  async close(): Promise<void> {
    const isDown = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await isDown;
  }

  #count(cause: string): string {
    this.turnedAway[cause] = (this.turnedAway[cause] ?? 0) + 1;
    return cause;
  }

  /** Whoever comes is heard, or one host that opens all places and says nothing would keep an SOS out: the longest silent goes. */
  #makeRoom(): void {
    const max = this.options.maxConnections ?? MAX_CONNECTIONS;
    for (const socket of this.#sockets) {
      if (this.#sockets.size < max) break;
      this.#sockets.delete(socket);
      this.#pushedOut.add(socket);
      socket.destroy();
    }
  }

  /** What came at once is taken at once and answered in order; nothing more is read meanwhile. */
  async #serve(socket: Socket): Promise<void> {
    this.#makeRoom();
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(this.options.idleMs ?? IDLE_MS, () => socket.destroy());
    let rest = Buffer.alloc(0);
    let badLines = 0;
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      this.#sockets.delete(socket);
      this.#sockets.add(socket);
      const bytes = Buffer.concat([rest, chunk]);
      const end = bytes.lastIndexOf(LF) + 1;
      rest = Buffer.from(bytes.subarray(end));
      const answers = await Promise.all(linesOf(bytes.subarray(0, end)).map((line) => this.#answer(line)));
      badLines += answers.filter((answer) => answer.startsWith('NO - ')).length;
      if (rest.length > MAX_LINE_BYTES) answers.push(`NO - ${this.#count('tooLong')}`);
      const isHopeless = rest.length > MAX_LINE_BYTES || badLines > MAX_BAD_LINES;
      const text = answers.map((answer) => `${answer}\r\n`).join('');
      if (text && !socket.write(text) && !isHopeless) await once(socket, 'drain');
      if (isHopeless) break;
    }
    socket.destroySoon();
  }

  async #answer(line: Buffer): Promise<string> {
    const [, id, sequence] = HEAD.exec(line.toString('latin1')) ?? [];
    if (id === undefined || line.length > MAX_LINE_BYTES)
      return `NO - ${this.#count(id === undefined ? 'line' : 'tooLong')}`;
    if (this.options.ids && !this.options.ids.has(id)) return `NO ${sequence} ${this.#count('unknownId')}`;
    try {
      const outcome = await this.options.take(`tracker/${id}`, line);
      return outcome.kind === 'held' ? `OK ${sequence}` : `NO ${sequence} ${this.#count(outcome.cause)}`;
    } catch {
      return `NO ${sequence} ${this.#count('busy')}`;
    }
  }
}

/** Without their ends; empty ones are left out. */
function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(LF, at);
    const line = bytes.subarray(at, bytes[end - 1] === 0x0d ? end - 1 : end);
    if (line.length > 0) lines.push(line);
    at = end + 1;
  }
  return lines;
}
