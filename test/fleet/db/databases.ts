import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { type Database, migrate, openPostgres, openSqlite } from '../../../fleet/db/index.js';
import type { Migration } from '../../../fleet/db/types.js';
import { type Postgres, startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';

/** Opens a fresh database with these migrations; it goes with the suite. */
export type Fresh = (migrations?: readonly Migration[]) => Promise<Database>;

/** Runs the same suite on both databases: a file of SQLite, and a real PostgreSQL. */
export function onBothDatabases(
  name: string,
  suite: (fresh: Fresh, dialect: 'sqlite' | 'postgres') => void,
): void {
  describe(`${name}, on SQLite`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'cairn-fleet-db-'));
    const opened: Database[] = [];
    let count = 0;
    after(async () => {
      for (const db of opened) await db.close();
      rmSync(folder, { recursive: true, force: true });
    });
    suite(async (migrations = []) => {
      const db = openSqlite(join(folder, `${++count}.db`));
      opened.push(db);
      await migrate(db, migrations);
      return db;
    }, 'sqlite');
  });
  describe(`${name}, on PostgreSQL`, { skip: WITHOUT_POSTGRES }, () => {
    const opened: Database[] = [];
    let server: Promise<Postgres> | undefined;
    after(async () => {
      for (const db of opened) await db.close();
      await (await server)?.remove();
    });
    suite(async (migrations = []) => {
      server ??= startPostgres();
      const db = openPostgres(await (await server).database());
      opened.push(db);
      await migrate(db, migrations);
      return db;
    }, 'postgres');
  });
}
