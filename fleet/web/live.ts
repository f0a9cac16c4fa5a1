import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import type { WebSocket } from 'ws';
import type { Change, WebDeps } from './types.js';

/** Clients at once; the next is told to come back later. */
const MAX_CLIENTS = 500;
/** What a client may follow, and what waits to be told to it; beyond, it is told to load the page anew. */
const MAX_TOPICS = 16;
const MAX_PENDING = 256;
/** Between two messages to a client. */
const EVERY_MS = 1_000;
/** A client that doesn't answer within this is gone. */
const PING_EVERY_MS = 30_000;
/** Bytes on their way to a client: while there are more, news waits. */
const MAX_BUFFERED = 64 << 10;
/** WebSocket close codes (RFC 6455, 7.4.1). */
const POLICY = 1008;
const TRY_LATER = 1013;

const Watch = v.object({
  watch: v.pipe(v.array(v.pipe(v.string(), v.maxLength(160))), v.maxLength(MAX_TOPICS)),
});

/**
 * `/live`. The client says `{"watch":["fleet"]}` once; what it follows is `fleet`, `logs`, `alerts`, `health` or `node:<id>`. It is told
 * `{"topics":["node:<id>","stream:17"]}` (`streams`: any of the node's) at most once a second, or `{"reload":true}`: then it asks for what it shows.
 */
export function live(app: FastifyInstance, { news }: WebDeps): void {
  const clients = new Set<Client>();
  const onChange = (change: Change) => {
    for (const client of clients) client.note(change);
  };
  let sincePingMs = 0;
  const timer = setInterval(() => {
    sincePingMs += EVERY_MS;
    const isPing = sincePingMs >= PING_EVERY_MS;
    if (isPing) sincePingMs = 0;
    for (const client of clients) client.tick(isPing);
  }, EVERY_MS);
  timer.unref();
  news.on('change', onChange);
  app.addHook('onClose', async () => {
    clearInterval(timer);
    news.off('change', onChange);
  });
  app.get('/live', { websocket: true }, (socket, request) => {
    if (!isOwnPage(request)) return socket.close(POLICY, 'not from a page of this server');
    if (clients.size >= MAX_CLIENTS) return socket.close(TRY_LATER, 'too many clients');
    const client = new Client(socket);
    clients.add(client);
    socket.on('close', () => clients.delete(client));
    socket.on('error', () => socket.terminate());
  });
}

/** A page of somebody else must not follow with this one's cookie. */
function isOwnPage({ headers, host }: FastifyRequest): boolean {
  return headers.origin === undefined || URL.parse(headers.origin)?.host === host;
}

class Client {
  readonly #socket: WebSocket;
  #topics: ReadonlySet<string> = new Set();
  readonly #pending = new Set<string>();
  #isReload = false;
  #isAlive = true;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (data) => this.#watch(String(data)));
  }

  note(change: Change): void {
    if (this.#isReload) return;
    for (const topic of this.#topicsOf(change)) this.#pending.add(topic);
    if (this.#pending.size <= MAX_PENDING) return;
    this.#pending.clear();
    this.#isReload = true;
  }

  tick(isPing: boolean): void {
    if (isPing) this.#ping();
    if (this.#socket.bufferedAmount > MAX_BUFFERED) return;
    if (!this.#isReload && this.#pending.size === 0) return;
    this.#socket.send(JSON.stringify(this.#isReload ? { reload: true } : { topics: [...this.#pending] }));
    this.#pending.clear();
    this.#isReload = false;
  }

  #ping(): void {
    if (!this.#isAlive) this.#socket.terminate();
    else this.#socket.ping();
    this.#isAlive = false;
  }

  #topicsOf(change: Change): readonly string[] {
    if (change.kind === 'health') return ['health'];
    if (change.kind === 'alert') return this.#followed('alerts');
    if (change.kind === 'log') return this.#followed('logs');
    const node = this.#followed(`node:${change.node}`);
    const streams = change.streamId === undefined ? 'streams' : `stream:${change.streamId}`;
    return [...this.#followed('fleet'), ...node, ...(node.length > 0 ? [streams] : [])];
  }

  #followed(topic: string): readonly string[] {
    return this.#topics.has(topic) ? [topic] : [];
  }

  #watch(text: string): void {
    const said = v.safeParse(v.pipe(v.string(), v.parseJson(), Watch), text);
    if (said.success) this.#topics = new Set(said.output.watch);
    else this.#socket.close(POLICY, '{"watch":[…]} is wanted');
  }
}
