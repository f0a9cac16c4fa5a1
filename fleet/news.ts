import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import * as v from 'valibot';
import { type Database, Listener } from './db/index.js';
import type { Change, News } from './web/index.js';

const CHANNEL = 'cairn_news';
/** As often as a page is told. */
const EVERY_MS = 1_000;
/** Beyond, the others are told that anything may have changed. */
const MAX_PENDING = 16_384;
/** PostgreSQL's own bound is 8,000. */
const MAX_BYTES = 7_500;

const node = v.string();
/** Any user of the database may say something there. */
const Said = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    by: v.string(),
    changes: v.array(
      v.variant('kind', [
        v.object({
          kind: v.literal('node'),
          node,
          streamId: v.optional(
            v.pipe(
              v.string(),
              v.regex(/^\d{1,18}$/),
              v.transform((text) => BigInt(text)),
            ),
          ),
        }),
        v.object({ kind: v.literal('log'), node }),
        v.object({ kind: v.picklist(['alert', 'all']) }),
      ]),
    ),
  }),
);

/** What became another, for the pages of this process and, by PostgreSQL's NOTIFY, for those of others on the same database. */
export class SharedNews implements News {
  readonly #emitter = new EventEmitter<{ change: [Change] }>().setMaxListeners(0);
  readonly #id = randomUUID();
  /** As JSON, each once. */
  readonly #pending = new Set<string>();
  readonly #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `server`: a PostgreSQL; undefined: no other process has this database. */
  constructor(
    private readonly db: Database,
    server: string | undefined,
  ) {
    this.#listener = server ? new Listener(server, CHANNEL, (text) => this.#heard(text)) : undefined;
  }

  on(event: 'change', listener: (change: Change) => void): void {
    this.#emitter.on(event, listener);
  }

  off(event: 'change', listener: (change: Change) => void): void {
    this.#emitter.off(event, listener);
  }

  tell(change: Change): void {
    this.#emitter.emit('change', change);
    // How its services are is each process's own.
    if (this.#listener && change.kind !== 'health') this.#forOthers(change);
  }

  /** Rejects where it can't hear the others now. */
  async listen(): Promise<void> {
    this.#isClosed = false;
    if (await this.#listener?.listen()) this.#emitter.emit('change', { kind: 'all' });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#listener?.close();
  }

  #forOthers(change: Change): void {
    const text = JSON.stringify(change, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    if (this.#pending.size < MAX_PENDING) this.#pending.add(text);
    else this.#anything();
    this.#timer ??= setTimeout(() => void this.#say(), EVERY_MS).unref();
  }

  #anything(): void {
    this.#pending.clear();
    this.#pending.add('{"kind":"all"}');
  }

  async #say(): Promise<void> {
    const changes = [...this.#pending];
    this.#pending.clear();
    try {
      for (const part of parts(changes))
        await this.db.query('SELECT pg_notify($1, $2)', [
          CHANNEL,
          `{"by":"${this.#id}","changes":[${part}]}`,
        ]);
    } catch {
      // The database says so itself, by its service; the others are told once it is back.
      this.#anything();
    }
    this.#timer = undefined;
    // A database that is closed is never back.
    if (this.#isClosed) this.#pending.clear();
    if (this.#pending.size > 0) this.#timer = setTimeout(() => void this.#say(), EVERY_MS).unref();
  }

  #heard(text: string): void {
    const said = v.safeParse(Said, text);
    if (!said.success || said.output.by === this.#id) return;
    for (const change of said.output.changes) this.#emitter.emit('change', change as Change);
  }
}

/** As many at once as one NOTIFY takes. */
function* parts(changes: readonly string[]): Iterable<string> {
  let part: string[] = [];
  let bytes = 0;
  for (const change of changes) {
    const more = Buffer.byteLength(change) + 1;
    if (bytes + more > MAX_BYTES) {
      yield part.join();
      [part, bytes] = [[], 0];
    }
    part.push(change);
    bytes += more;
  }
  if (part.length > 0) yield part.join();
}
