import { SqliteConnection } from './sqlite-connection.js';
import { SqliteReaders } from './sqlite-readers.js';
import type { Database, Queries, SqlRow, SqlValue } from './types.js';

/** The log is folded back into the file at so many pages of 4 KiB. */
const CHECKPOINT_PAGES = 4_000;

/** SQLite in WAL; a commit is synced (synchronous=FULL). The file and its `-wal` belong to one machine. Throws DatabaseError. */
export function openSqlite(path: string): Database {
  return new SqliteDatabase(path);
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #writer: SqliteConnection;
  readonly #readers: SqliteReaders;
  /** The transaction under way, and those that wait for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#writer = new SqliteConnection(path);
    this.#readers = new SqliteReaders(path);
    for (const pragma of [
      'journal_mode = WAL',
      'synchronous = FULL',
      'foreign_keys = ON',
      `wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    ])
      this.#writer.pragma(pragma);
  }

  /** What only looks does so in a thread of its own; else between transactions: a statement of its own never becomes part of somebody else's. */
  async query<Row extends SqlRow>(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    if (this.#writer.isReading(sql)) return this.#readers.read<Row>(sql, values);
    return this.#inTurn(async () => this.#writer.run<Row>(sql, values));
  }

  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const tx: Queries = {
        dialect: this.dialect,
        query: async <Row extends SqlRow>(sql: string, values: readonly SqlValue[] = []) =>
          this.#writer.run<Row>(sql, values),
      };
      this.#writer.run('BEGIN IMMEDIATE', []);
      try {
        const result = await work(tx);
        this.#writer.run('COMMIT', []);
        return result;
      } catch (error) {
        // A failed COMMIT may have left nothing to take back.
        if (this.#writer.inTransaction) this.#writer.run('ROLLBACK', []);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#readers.close();
      this.#writer.close();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
