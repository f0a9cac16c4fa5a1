import type { Ballast } from './ballast.js';
import { openDatabase, replaceFiles, strayBytes } from './database.js';
import { reasonOf } from './error.js';
import type { LevelDb, StoreOptions } from './options.js';

/**
 * The open database. After a failed write it must be opened anew before the next one (LevelDB 1.20 would lose what it acknowledges), but
 * it can still be read: it is closed only when the disk looks as if it took an opening.
 */
export class Connection {
  #db: LevelDb | undefined;
  #mayWrite = true;
  #damage: string | undefined;
  /** An opening was broken off: what it had put in the database's place is there, and nobody was told. */
  #mayBeReplaced = false;

  constructor(
    readonly options: StoreOptions,
    readonly ballast: Ballast,
    db: LevelDb,
  ) {
    this.#db = db;
  }

  /** For reading; `undefined` while none is open. */
  get db(): LevelDb | undefined {
    return this.#db;
  }

  /** For writing; `undefined` when it has to be renewed before. */
  get writable(): LevelDb | undefined {
    return this.#mayWrite ? this.#db : undefined;
  }

  /** A write failed. */
  failed(): void {
    this.#mayWrite = false;
  }

  /** Its files are damaged: `renew` puts what is whole of them in their place. */
  damaged(what: string): void {
    this.#mayWrite = false;
    this.#damage ??= what;
  }

  /** Opens it anew. Rejects while the disk refuses; what was open for reading then stays open where it can. */
  async renew(): Promise<{ readonly db: LevelDb; readonly isReplaced: boolean }> {
    const damage = this.#damage;
    if (damage === undefined && this.#db) await this.ballast.probe(await strayBytes(this.options));
    await this.close();
    const mayBeReplaced = this.#mayBeReplaced;
    this.#mayBeReplaced = true;
    if (damage !== undefined) await replaceFiles(this.options, damage);
    if (this.#damage === damage) this.#damage = undefined;
    const opened = await openDatabase(this.options);
    this.#mayBeReplaced = false;
    this.#db = opened.db;
    this.#mayWrite = true;
    return { db: opened.db, isReplaced: opened.isReplaced || damage !== undefined || mayBeReplaced };
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const db = this.#db;
    this.#db = undefined;
    try {
      await db?.close();
    } catch (error) {
      this.options.deps.log('warn', `${this.options.path}: the database did not close: ${reasonOf(error)}`);
    }
  }
}
