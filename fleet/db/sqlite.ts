import Sqlite from 'better-sqlite3';
import {
  type Database,
  DatabaseError,
  type DatabaseErrorKind,
  type Queries,
  type SqlRow,
  type SqlValue,
} from './types.js';

/** Statements that are kept compiled. */
const MAX_STATEMENTS = 512;
/** How long another process may hold the file. */
const BUSY_MS = 5_000;
/** The log is folded back into the file at so many pages of 4 KiB. */
const CHECKPOINT_PAGES = 4_000;

/** SQLite in WAL; a commit is synced (synchronous=FULL). The file and its `-wal` belong to one machine. Throws DatabaseError. */
export function openSqlite(path: string): Database {
  return new SqliteDatabase(path);
}

class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly #db: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement>();
  /** The transaction under way, and those that wait for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#db = guarded(() => new Sqlite(path, { timeout: BUSY_MS }));
    this.#db.defaultSafeIntegers(true);
    for (const pragma of [
      'journal_mode = WAL',
      'synchronous = FULL',
      'foreign_keys = ON',
      `wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    ])
      guarded(() => this.#db.pragma(pragma));
  }

  /** Between transactions: a statement of its own never becomes part of somebody else's. */
  query<Row extends SqlRow>(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return this.#inTurn(async () => this.#run<Row>(sql, values));
  }

  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const tx: Queries = {
        dialect: this.dialect,
        query: async <Row extends SqlRow>(sql: string, values: readonly SqlValue[] = []) =>
          this.#run<Row>(sql, values),
      };
      this.#run('BEGIN IMMEDIATE', []);
      try {
        const result = await work(tx);
        this.#run('COMMIT', []);
        return result;
      } catch (error) {
        // A failed COMMIT may have left nothing to take back.
        if (this.#db.inTransaction) this.#run('ROLLBACK', []);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => this.#db.close());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  #run<Row extends SqlRow>(sql: string, values: readonly SqlValue[]): readonly Row[] {
    return guarded(() => {
      const statement = this.#statement(sql);
      // To SQLite `$1` is a name like any other.
      const named = Object.fromEntries(values.map((value, i) => [i + 1, value]));
      if (statement.reader) return statement.all(named) as Row[];
      statement.run(named);
      return [];
    }, sql);
  }

  #statement(sql: string): Sqlite.Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    if (this.#statements.size > MAX_STATEMENTS)
      for (const oldest of this.#statements.keys()) {
        this.#statements.delete(oldest);
        break;
      }
    return made;
  }
}

const KINDS: readonly (readonly [RegExp, DatabaseErrorKind])[] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'busy'],
  [/^SQLITE_FULL/, 'full'],
  [/^SQLITE_CONSTRAINT/, 'constraint'],
  [/^SQLITE_(IOERR|CANTOPEN|READONLY|CORRUPT|NOTADB|PERM|AUTH|NOLFS)/, 'down'],
];

function guarded<T>(work: () => T, sql = ''): T {
  try {
    return work();
  } catch (error) {
    const code = String((error as { code?: unknown }).code ?? '');
    const kind = KINDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'wrong';
    const where = kind === 'wrong' && sql ? ` in: ${sql.slice(0, 200)}` : '';
    throw new DatabaseError(kind, `SQLite: ${(error as Error).message}${where}`, { cause: error });
  }
}
