import { createConnection, type Socket } from 'node:net';

/** sun_path holds 108 bytes with its NUL (unix(7)). */
const PATH_MAX_BYTES = 107;
/** Of one answer's line: a block of the greatest size (1 MiB) in base64, and what is said of it. */
const ANSWER_MAX_BYTES = 1 << 21;
const DEADLINE_MS = 10_000;

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

export interface AskOptions {
  /** Sent as JSON behind the name. */
  readonly params?: unknown;
  /** Until the answer is there; 10,000 unless said. */
  readonly deadlineMs?: number;
}

/** Asks a running node; undefined when none answers at that path. Rejects with ControlError when it refuses or can't be asked. */
export async function ask(path: string, name: string, options: AskOptions = {}): Promise<unknown> {
  const { params, deadlineMs = DEADLINE_MS } = options;
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), deadlineMs);
  try {
    for await (const answer of follow(path, name, params, end.signal)) return answer;
    if (end.signal.aborted) throw new ControlError(`${path}: no answer within ${deadlineMs} ms`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What a running node answers, one value after the other, until it has no more or `signal` ends it; nothing when none answers at that path.
 * Whoever is slow to take them slows the node's answers down, and nothing else of it. Throws ControlError as `ask` does.
 */
export async function* follow(
  path: string,
  name: string,
  params: unknown,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const socket = createConnection(path);
  const cut = () => socket.destroy();
  signal.addEventListener('abort', cut);
  if (signal.aborted) cut();
  try {
    socket.write(`${name}${params === undefined ? '' : ` ${JSON.stringify(params)}`}\n`);
    for await (const line of linesOf(path, socket)) yield parseAnswer(path, line);
  } catch (error) {
    if (signal.aborted || isNobody(error)) return;
    throw error instanceof ControlError ? error : unaskable(path, error as NodeJS.ErrnoException);
  } finally {
    signal.removeEventListener('abort', cut);
    socket.destroy();
  }
}

/** Whole lines; one that the end cut off is none. */
async function* linesOf(path: string, socket: Socket): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of socket.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    if (lines.some(({ length }) => length > ANSWER_MAX_BYTES))
      throw new ControlError(`${path}: an answer of over ${ANSWER_MAX_BYTES} bytes`);
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Not there, a dead process's, or one that ended while it was asked. */
function isNobody(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(code ?? '');
}

function unaskable(path: string, cause: NodeJS.ErrnoException): ControlError {
  const why = cause.code === 'EACCES' ? 'you may not; run as the node’s user or group' : cause.message;
  return new ControlError(`${path}: ${why}`, { cause });
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

/** Of an answer: what `toJson` wrote as digits is a bigint again, in members that hold ns (`…Ns`, `since`) and in what lies within them. */
export function withBigints(value: unknown, isNs = false): unknown {
  if (Array.isArray(value)) return value.map((item) => withBigints(item, isNs));
  if (typeof value === 'string' && isNs && /^-?\d+$/.test(value)) return BigInt(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, withBigints(item, isNs || /Ns$|^since$/.test(name))]),
  );
}
