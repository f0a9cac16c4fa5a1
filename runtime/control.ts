import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** sun_path holds 108 bytes with its NUL (unix(7)). */
const PATH_MAX_BYTES = 107;
const REQUEST_MAX_BYTES = 4096;
const ANSWER_MAX_BYTES = 1 << 20;
/** For a whole connection, however slowly its bytes come. */
const DEADLINE_MS = 10_000;
const CONNECTIONS_MAX = 8;

/** A running node that can't be asked, or that refused; the text is the whole answer. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
}

/** Beside the store: one socket a node, for whoever may read the store anyway. Throws where the kernel can't hold such a path. */
export function controlPath(storePath: string): string {
  const path = `${storePath}.sock`;
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_MAX_BYTES) {
    throw new ControlError(
      `${path}: ${bytes} bytes, and a socket's path has ${PATH_MAX_BYTES} at most; give the store a shorter path`,
    );
  }
  return path;
}

export interface ControlOptions {
  readonly path: string;
  /** What it throws goes back as `{ error }`. */
  readonly answer: (command: string) => unknown;
  readonly log: (level: 'warn', text: string) => void;
  /** Default 10,000. */
  readonly deadlineMs?: number;
}

/** Answers one request a connection: a line with a command's name, then a line of JSON back. */
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
    const timer = setTimeout(() => socket.destroy(), this.options.deadlineMs ?? DEADLINE_MS);
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      this.#sockets.delete(socket);
    });
    const answer = (value: unknown) => {
      socket.removeAllListeners('data').resume();
      socket.end(`${toJson(value)}\n`);
    };
    if (this.#sockets.size > CONNECTIONS_MAX) {
      answer({ error: `${CONNECTIONS_MAX} others are asking already; try again` });
      return;
    }
    let request = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      request += chunk;
      const end = request.indexOf('\n');
      const bytes = end < 0 ? request.length : end;
      if (bytes > REQUEST_MAX_BYTES) answer({ error: `a request has ${REQUEST_MAX_BYTES} bytes at most` });
      else if (end >= 0) answer(this.#answer(request.slice(0, end).trim()));
    });
  }

  #answer(command: string): unknown {
    try {
      return this.options.answer(command);
    } catch (error) {
      this.options.log('warn', `${command} could not be answered: ${(error as Error).message}`);
      return { error: `${command} could not be answered: ${(error as Error).message}` };
    }
  }
}

/** Asks a running node; undefined when none answers at that path. Rejects with ControlError when it refuses or can't be asked. */
export async function ask(path: string, command: string, deadlineMs = DEADLINE_MS): Promise<unknown> {
  const text = await new Promise<string | undefined>((resolve, reject) => {
    const socket = createConnection(path);
    let answer = '';
    const fail = (why: string, cause?: unknown) => {
      reject(new ControlError(`${path}: ${why}`, { cause }));
      socket.destroy();
    };
    const timer = setTimeout(() => fail(`no answer within ${deadlineMs} ms`), deadlineMs);
    socket.setEncoding('utf8').on('error', (error: NodeJS.ErrnoException) => {
      // Not there, a dead process's, or one that ended while it was asked.
      if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '')) resolve(undefined);
      else
        fail(error.code === 'EACCES' ? 'you may not; run as the node’s user or group' : error.message, error);
    });
    socket.on('connect', () => socket.write(`${command}\n`));
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > ANSWER_MAX_BYTES) fail(`an answer of over ${ANSWER_MAX_BYTES} bytes`);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer.endsWith('\n') ? answer : undefined);
    });
  });
  return text === undefined ? undefined : parseAnswer(path, text);
}

function parseAnswer(path: string, text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new ControlError(`${path}: what answers there is no node: ${(cause as Error).message}`, { cause });
  }
  const error = (answer as { error?: unknown } | null)?.error;
  if (error !== undefined) throw new ControlError(`${path}: ${error}`);
  return answer;
}

/** JSON with 64-bit numbers as decimal strings. */
export function toJson(value: unknown, space?: number): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item), space);
}
