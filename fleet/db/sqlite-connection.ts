import Sqlite from 'better-sqlite3';
import { DatabaseError, type DatabaseErrorKind, type SqlRow, type SqlValue } from './types.js';

/** Statements that are kept compiled. */
const MAX_STATEMENTS = 512;
/** How long another connection may hold the file. */
const BUSY_MS = 5_000;

/** One connection to a file of SQLite, which works at once and holds its thread meanwhile. Throws DatabaseError. */
export class SqliteConnection {
  readonly #db: Sqlite.Database;
  readonly #statements = new Map<string, Sqlite.Statement>();

  constructor(path: string, { isReader = false } = {}) {
    this.#db = guarded(() => new Sqlite(path, { timeout: BUSY_MS, readonly: isReader }));
    this.#db.defaultSafeIntegers(true);
    // Its own knows the letters of ASCII only.
    this.#db.function('lower', { deterministic: true }, lower);
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  pragma(text: string): void {
    guarded(() => this.#db.pragma(text));
  }

  /** Whether it only looks. */
  isReading(sql: string): boolean {
    const { reader, readonly } = this.#guarded(() => this.#statement(sql), sql);
    return reader && readonly;
  }

  run<Row extends SqlRow>(sql: string, values: readonly SqlValue[]): readonly Row[] {
    return this.#guarded(() => {
      const statement = this.#statement(sql);
      // To SQLite `$1` is a name like any other.
      const named = Object.fromEntries(values.map((value, i) => [i + 1, value]));
      if (statement.reader) return statement.all(named) as Row[];
      statement.run(named);
      return [];
    }, sql);
  }

  close(): void {
    this.#db.close();
  }

  #guarded<T>(work: () => T, sql: string): T {
    if (!this.#db.open) throw new DatabaseError('down', 'SQLite: the database is closed');
    return guarded(work, sql);
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

function lower(text: unknown): unknown {
  return typeof text === 'string' ? text.toLowerCase() : text;
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
