import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';
import type { Database } from './types.js';

export { FolderLock } from './folder-lock.js';
export { type GatedDatabase, gated } from './gated.js';
export { Listener } from './listener.js';
export { migrate } from './migrate.js';
export * from './types.js';
export { openPostgres, openSqlite };

/** `postgresql://…` is a server, anything else a file of SQLite. */
export function openDatabase(where: string): Database {
  return /^postgres(ql)?:/.test(where) ? openPostgres(where) : openSqlite(where);
}
