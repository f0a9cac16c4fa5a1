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

  /** Resolves while it listens; connects anew where it doesn't: then true, and something may have been missed. */
  async listen(): Promise<boolean> {
    if (this.#client) {
      await this.#client.query('SELECT 1');
      return false;
    }
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: CONNECT_MS,
      keepAlive: true,
    });
    const gone = () => {
      this.#client = undefined;
    };
    client.on('error', gone).on('end', gone);
    client.on('notification', ({ payload }) => this.onHeard(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${this.channel}`);
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    return true;
  }

  async close(): Promise<void> {
    await this.#client?.end();
  }
}
