import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as v from 'valibot';
import type { WebSocket } from 'ws';
import { isAway } from './away.js';
import { nodeFor } from './seen.js';
import type { Change, WebDeps } from './types.js';

/** Clients at once; the next is told to come back later. */
const MAX_CLIENTS = 500;
/** Of them, of one person: more pages than anybody looks at, and nobody keeps the others out. */
const MAX_OF_PERSON = 64;
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
 * `{"topics":["node:<id>","stream:17"]}` (`streams`: any of the node's) at most once a second, or `{"reload":true}`: then it asks for what it shows. Of nodes that they may not see nobody
 * is told; `fleet`, `logs` and `alerts` say only that there is something to ask for. Pages of other sites are turned away before (people/guard.ts).
 */
export function live(app: FastifyInstance, deps: WebDeps): void {
  const { news } = deps;
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
    const person = request.person?.id;
    const theirs = person ? [...clients].filter((client) => client.personId === person).length : 0;
    if (clients.size >= MAX_CLIENTS || theirs >= MAX_OF_PERSON)
      return socket.close(TRY_LATER, 'too many clients');
    const client = new Client(socket, request, deps);
    clients.add(client);
    socket.on('close', () => clients.delete(client));
    socket.on('error', () => socket.terminate());
  });
}

class Client {
  readonly #socket: WebSocket;
  readonly #request: FastifyRequest;
  readonly #deps: WebDeps;
  /** What it asked for, and what of it they may see. */
  #wanted: ReadonlySet<string> | undefined;
  #topics: ReadonlySet<string> = new Set();
  readonly #pending = new Set<string>();
  #isReload = false;
  #isAlive = true;

  constructor(socket: WebSocket, request: FastifyRequest, deps: WebDeps) {
    this.#socket = socket;
    this.#request = request;
    this.#deps = deps;
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('message', (data) => this.#watch(String(data)));
  }

  get personId(): string | undefined {
    return this.#request.person?.id;
  }

  note(change: Change): void {
    if (this.#isReload) return;
    if (change.kind !== 'all') for (const topic of this.#topicsOf(change)) this.#pending.add(topic);
    if (change.kind !== 'all' && this.#pending.size <= MAX_PENDING) return;
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
    void this.#judge();
  }

  /** Who they are now, and what they may see: a session ends, a role goes, a node moves to another group while a page is open. */
  async #judge(): Promise<void> {
    const request = this.#request;
    try {
      if (request.findPerson) {
        request.person = await request.findPerson();
        if (!request.person) return this.#socket.close(POLICY, 'signed out');
      }
      const seen: string[] = [];
      for (const topic of this.#wanted ?? []) if (await this.#maySee(topic)) seen.push(topic);
      this.#topics = new Set(seen);
    } catch (error) {
      // Until the database is back they follow what they followed before.
      if (isAway(error)) return;
      request.log.error(error);
      this.#socket.close(TRY_LATER, 'what you may see is not known now');
    }
  }

  async #maySee(topic: string): Promise<boolean> {
    if (!topic.startsWith('node:')) return true;
    return (await nodeFor(this.#request.person, this.#deps, topic.slice('node:'.length))) !== undefined;
  }

  #topicsOf(change: Exclude<Change, { readonly kind: 'all' }>): readonly string[] {
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
    if (said.success && this.#wanted === undefined) {
      this.#wanted = new Set(said.output.watch);
      void this.#judge();
    } else this.#socket.close(POLICY, '{"watch":[…]} is wanted, once');
  }
}
