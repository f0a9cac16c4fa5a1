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
      if (this.#client === client) this.#client = undefined;
    };
    client.on('error', gone).on('end', gone);
    client.on('notification', ({ payload }) => this.onHeard(payload ?? ''));
    await client.connect();
    this.#client = client;
    await client.query(`LISTEN ${this.channel}`);
    return true;
  }

  async close(): Promise<void> {
    await this.#client?.end();
  }
}
