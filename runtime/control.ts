import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** Beside the store: one socket a node, for whoever may read the store anyway. */
export function controlPath(storePath: string): string {
  return `${storePath}.sock`;
}

const REQUEST_MAX_BYTES = 4096;
const ANSWER_MAX_BYTES = 1 << 20;
const IDLE_MS = 10_000;
const CONNECTIONS_MAX = 8;

/** Answers one request a connection: a line with a command's name, then a line of JSON back. */
export class ControlServer {
  #server: Server | undefined;

  constructor(
    private readonly path: string,
    private readonly answer: (command: string) => unknown,
  ) {}

  async start(): Promise<void> {
    // Whoever opened the store holds its lock: a socket that is there is a dead process's.
    rmSync(this.path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = CONNECTIONS_MAX;
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.path, resolve);
    });
    chmodSync(this.path, 0o660);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(this.path, { force: true });
  }

  #serve(socket: Socket): void {
    let request = '';
    socket.setEncoding('utf8').setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      request += chunk;
      const end = request.indexOf('\n');
      if (end >= 0) socket.end(`${toJson(this.answer(request.slice(0, end).trim()))}\n`);
      else if (request.length > REQUEST_MAX_BYTES) socket.destroy();
    });
  }
}

/** Asks a running node; undefined when none answers at that path. */
export async function ask(path: string, command: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let answer = '';
    socket
      .setEncoding('utf8')
      .setTimeout(IDLE_MS, () => socket.destroy(new Error(`${path}: no answer within ${IDLE_MS} ms`)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(error);
    });
    socket.on('connect', () => socket.write(`${command}\n`));
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > ANSWER_MAX_BYTES)
        socket.destroy(new Error(`${path}: an answer of over ${ANSWER_MAX_BYTES} bytes`));
    });
    socket.on('end', () => resolve(answer === '' ? undefined : JSON.parse(answer)));
  });
}

/** JSON with 64-bit numbers as decimal strings. */
export function toJson(value: unknown, space?: number): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item), space);
}
