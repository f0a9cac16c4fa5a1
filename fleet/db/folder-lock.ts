import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SqliteConnection } from './sqlite-connection.js';
import { DatabaseError } from './types.js';

/**
 * The lock of a process's folder: the operating system's, on the file `lock` in it, which SQLite holds. It ends with the process, however that ends.
 * Throws where another process has the folder, after 5 s.
 */
export class FolderLock {
  /** Of the folder, the same at each start: 32 hex digits. */
  readonly id: string;
  readonly #file: SqliteConnection;

  constructor(folder: string) {
    const path = join(folder, 'lock');
    try {
      this.#file = new SqliteConnection(path);
      // What is locked once stays so, past the end of a transaction.
      this.#file.pragma('locking_mode = EXCLUSIVE');
      this.#file.run('BEGIN EXCLUSIVE', []);
      this.id = this.#idOf();
      this.#file.run('COMMIT', []);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.kind !== 'busy')
        throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
      throw new Error(`another process has ${folder}: end it, or give this one a folder of its own (data)`, {
        cause: error,
      });
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Nothing is written where it is known: a full disk keeps nobody from starting. */
  #idOf(): string {
    const isNew = this.#file.run(`SELECT 1 FROM sqlite_schema WHERE name = 'folder'`, []).length === 0;
    if (isNew) {
      this.#file.run('CREATE TABLE folder (id TEXT NOT NULL)', []);
      this.#file.run('INSERT INTO folder VALUES ($1)', [randomBytes(16).toString('hex')]);
    }
    return this.#file.run<{ id: string }>('SELECT id FROM folder', [])[0]!.id;
  }
}
