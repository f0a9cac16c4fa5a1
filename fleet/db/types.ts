/** What may be bound. Booleans are 0 and 1: SQLite has none. */
export type SqlValue = string | number | bigint | Uint8Array | null;
/** What comes back: every integer is a bigint, every real a number, bytes a Uint8Array. */
export type SqlRow = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

export type Dialect = 'sqlite' | 'postgres';

/** Runs SQL that both databases know, with `$1`, `$2` … for values. */
export interface Queries {
  readonly dialect: Dialect;
  query<Row extends SqlRow = SqlRow>(sql: string, values?: readonly SqlValue[]): Promise<readonly Row[]>;
}

/**
 * `down`: it can't be reached, or went while it worked; nothing of the transaction is sure, and trying again later may do. `busy`: somebody else held
 * what was needed for too long. `full`: no room. `constraint`: what was written breaks a rule of the schema. `wrong`: a fault of the program.
 */
export type DatabaseErrorKind = 'down' | 'busy' | 'full' | 'constraint' | 'wrong';

export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';

  constructor(
    readonly kind: DatabaseErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whether it may be gone by itself: the database is away, held, or has no room now. */
export function mayPass(error: unknown): boolean {
  return error instanceof DatabaseError && ['down', 'busy', 'full'].includes(error.kind);
}

/** What somebody adds to a transaction of somebody else: all of it, or nothing. */
export type Within = (tx: Queries) => Promise<void>;

export interface Database extends Queries {
  /**
   * All or nothing, and on the disk once it resolves. `work` sees what it wrote. One at a time on SQLite, where the others wait. Rejects with
   * what `work` threw, or a DatabaseError. A statement of it may take as long as any other, or `statementMs`.
   */
  transaction<T>(work: (tx: Queries) => Promise<T>, statementMs?: number): Promise<T>;
  close(): Promise<void>;
}

/** One step of a schema, of one part of the fleet; never changed once it was released. */
export interface Migration {
  /** `store-1`: unique among all, in the order given. */
  readonly id: string;
  readonly statements: (dialect: Dialect) => readonly string[];
}
