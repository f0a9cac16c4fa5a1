import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { toJson } from './control.js';

/** An event's text, each character of it escaped as JSON may. */
const REQUEST_MAX_BYTES = 256 * 1024;
/** For a whole request, however slowly its bytes come. */
const REQUEST_DEADLINE_MS = 10_000;
/** For an answer that takes its time: a look at the wiring. */
const ANSWER_DEADLINE_MS = 120_000;
const CONNECTIONS_MAX = 8;

/**
 * What it throws or rejects with goes back as `{ error }`. Of an async iterable each value is an answer of its own; it is returned (its
 * `finally` runs) once whoever asked is gone.
 */
export type Answer = (name: string, params: unknown) => unknown;

export interface ControlOptions {
  readonly path: string;
  readonly answer: Answer;
  readonly log: (level: 'warn', text: string) => void;
  /** For a request to come; 10,000 unless said. */
  readonly deadlineMs?: number;
}

/** Answers one request a connection: a line with a name, and JSON behind it where there is more to say; then a line of JSON back, or several. */
export class ControlServer {
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(private readonly options: ControlOptions) {}

  async start(): Promise<void> {
    const { path, log } = this.options;
    // Whoever opened the store holds its lock: a socket that is there is a dead process's.
    rmSync(path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
    // Out of file descriptors, say: nobody can ask just now, and the node goes on.
    server.on('error', (error) => log('warn', `${path}: a connection could not be taken: ${error.message}`));
    chmodSync(path, 0o660);
  }

  /** Waits for nobody: whoever is connected is cut off. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    rmSync(this.options.path, { force: true });
  }

  #serve(socket: Socket): void {
    const timer = setTimeout(() => socket.destroy(), this.options.deadlineMs ?? REQUEST_DEADLINE_MS);
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    if (this.#sockets.size > CONNECTIONS_MAX) {
      refuse(socket, `${CONNECTIONS_MAX} others are asking already; try again`);
      return;
    }
    let request = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      request += chunk;
      const end = request.indexOf('\n');
      const bytes = end < 0 ? request.length : end;
      if (bytes > REQUEST_MAX_BYTES) refuse(socket, `a request has ${REQUEST_MAX_BYTES} bytes at most`);
      else if (end >= 0) {
        clearTimeout(timer);
        socket.removeAllListeners('data').resume();
        void this.#answer(socket, request.slice(0, end).trim());
      }
    });
  }

  async #answer(socket: Socket, request: string): Promise<void> {
    const timer = setTimeout(() => socket.destroy(), ANSWER_DEADLINE_MS);
    const [name = '', ...rest] = request.split(' ');
    try {
      const params: unknown = rest.length > 0 ? JSON.parse(rest.join(' ')) : undefined;
      const value = await this.options.answer(name, params);
      clearTimeout(timer);
      if (isStream(value)) await send(socket, value);
      else socket.write(`${toJson(value)}\n`);
    } catch (error) {
      const why = `${name} could not be answered: ${(error as Error).message}`;
      this.options.log('warn', why);
      socket.write(`${toJson({ error: why })}\n`);
    } finally {
      clearTimeout(timer);
    }
    socket.end();
  }
}

function refuse(socket: Socket, why: string): void {
  socket.removeAllListeners('data').resume();
  socket.end(`${toJson({ error: why })}\n`);
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** The next value is asked for once the last has been taken. */
async function send(socket: Socket, values: AsyncIterable<unknown>): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  const gone = new Promise<undefined>((resolve) => socket.once('close', () => resolve(undefined)));
  try {
    while (!socket.destroyed) {
      const next = await Promise.race([iterator.next(), gone]);
      if (!next || next.done) return;
      if (!socket.write(`${toJson(next.value)}\n`)) await Promise.race([drained(socket), gone]);
    }
  } finally {
    void iterator.return?.();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('drain', resolve));
}
