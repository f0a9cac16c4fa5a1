import pg from 'pg';

const CONNECT_MS = 5_000;

/** Hears what is said on a channel of a PostgreSQL database (`NOTIFY`), on a connection of its own. Who isn't there when it is said never hears it. */
export class Listener {
  #client: pg.Client | undefined;

  constructor(
    private readonly url: string,
    private readonly channel: string,
    private readonly onHeard: (text: string) => void,
  ) {}

  /** Resolves while it listens; connects anew where it doesn't: then true, and something may have been missed. Rejects where it can't, now. */
  async listen(): Promise<boolean> {
    const known = this.#client;
    const client = known ?? this.#made();
    try {
      if (known) await known.query('SELECT 1');
      else await client.connect().then(() => client.query(`LISTEN ${this.channel}`));
    } catch (error) {
      this.#gone(client);
      // It may wait for an answer that never comes.
      void client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    return !known;
  }

  #made(): pg.Client {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: CONNECT_MS,
      keepAlive: true,
    });
    client.on('error', () => this.#gone(client)).on('end', () => this.#gone(client));
    return client.on('notification', ({ payload }) => this.onHeard(payload ?? ''));
  }

  #gone(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined;
  }

  async close(): Promise<void> {
    await this.#client?.end();
  }
}
