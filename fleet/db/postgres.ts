import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  type Database,
  DatabaseError,
  type DatabaseErrorKind,
  type Queries,
  type SqlRow,
  type SqlValue,
} from './types.js';

const CONNECT_MS = 5_000;
/** Nothing that the fleet asks takes longer on a sound server. */
const STATEMENT_MS = 30_000;
/** A server that stands still ends no query: what is under way then is left to its own limit. */
const CLOSE_MS = 5_000;
const MAX_CONNECTIONS = 8;

const BOOL = 16;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const NUMERIC = 1700;

/** A PostgreSQL server, version 15 or later; `url` as libpq has it, also `postgresql:///fleet?host=/run/postgresql`. Connects when it is asked. */
export function openPostgres(url: string): Database {
  return new PostgresDatabase(url);
}

const bigints: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') => {
    if (oid === INT8 || oid === INT4 || oid === INT2) return BigInt;
    // Sums of BIGINT are NUMERIC.
    if (oid === NUMERIC) return (text: string) => (text.includes('.') ? Number(text) : BigInt(text));
    if (oid === BOOL) return (text: string) => (text === 't' ? 1n : 0n);
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly #pool: pg.Pool;
  #closed: Promise<void> | undefined;

  constructor(url: string) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: STATEMENT_MS + CONNECT_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
      keepAlive: true,
      types: bigints,
    });
    // An idle connection that breaks is replaced by the next query, which says what is wrong.
    this.#pool.on('error', ignore);
  }

  query<Row extends SqlRow>(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return run<Row>(this.#pool, sql, values);
  }

  async transaction<T>(work: (tx: Queries) => Promise<T>, statementMs?: number): Promise<T> {
    const client = await guarded(() => this.#pool.connect());
    // One that breaks between two statements says so at the next.
    client.on('error', ignore);
    let broken: Error | undefined;
    try {
      const tx: Queries = {
        dialect: this.dialect,
        query: (sql, values = []) => run(client, sql, values, statementMs),
      };
      await run(client, 'BEGIN', []);
      if (statementMs !== undefined) await run(client, `SET LOCAL statement_timeout = ${statementMs}`, []);
      const result = await work(tx);
      await commit(client);
      return result;
    } catch (error) {
      broken = await run(client, 'ROLLBACK', []).then(
        () => undefined,
        (failed: Error) => failed,
      );
      throw error;
    } finally {
      if (!broken) client.off('error', ignore);
      // One whose state isn't known is not used again.
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    this.#closed ??= Promise.race([this.#pool.end(), sleep(CLOSE_MS, undefined, { ref: false })]);
    await this.#closed;
  }
}

/** Where a statement failed, and whoever asked went on, PostgreSQL takes all back and calls it no error. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await guarded(() => client.query('COMMIT'));
  if (command !== 'COMMIT')
    throw new DatabaseError(
      'wrong',
      'PostgreSQL: a statement of the transaction failed, and nothing of it was kept',
    );
}

const ignore = (): void => undefined;

async function run<Row extends SqlRow>(
  on: pg.Pool | pg.PoolClient,
  sql: string,
  values: readonly SqlValue[],
  statementMs?: number,
): Promise<readonly Row[]> {
  const bound = values.map((value) => (value instanceof Uint8Array ? asBuffer(value) : value));
  // The types of pg don't know that a query may have its own.
  const limit = statementMs === undefined ? {} : { query_timeout: statementMs + CONNECT_MS };
  const { rows } = await guarded(() => on.query({ text: sql, values: bound, ...limit }), sql);
  return rows as Row[];
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** SQLSTATE classes (PostgreSQL 15, appendix A). */
const KINDS: readonly (readonly [RegExp, DatabaseErrorKind])[] = [
  [/^23/, 'constraint'],
  [/^53100/, 'full'],
  [/^(08|53|57P|58|28|3D|25006)/, 'down'],
  [/^(40|55P03|57014)/, 'busy'],
  [/^[0-9A-Z]{5}$/, 'wrong'],
];

async function guarded<T>(work: () => Promise<T>, sql = ''): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Without a SQLSTATE (EPIPE looks like one) it never reached the server, or the connection ended.
    const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
    const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'down';
    const where = kind === 'wrong' && sql ? ` in: ${sql.slice(0, 200)}` : '';
    throw new DatabaseError(kind, `PostgreSQL: ${(error as Error).message}${where}`, {
      cause: error,
    });
  }
}
