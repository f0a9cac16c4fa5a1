import { type Database, DatabaseError, type Migration, type Queries } from './types.js';

/** Of PostgreSQL's advisory locks: two processes that start together migrate one after the other. */
const LOCK = 0x43_52_4en;

/** An index over all that a large fleet has kept takes its time. */
const STATEMENT_MS = 6 * 3_600_000;

/**
 * Brings the schema up to date, each step in a transaction of its own. Rejects with DatabaseError `wrong` where the database holds a step that this
 * version doesn't know: an older fleet never writes into what a newer one made.
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<void> {
  await db.transaction(async (tx) => {
    await alone(tx);
    await tx.query('CREATE TABLE IF NOT EXISTS migration (id TEXT PRIMARY KEY, applied_ms BIGINT NOT NULL)');
  });
  const known = new Set(migrations.map(({ id }) => id));
  const applied = new Set((await db.query<{ id: string }>('SELECT id FROM migration')).map(({ id }) => id));
  const later = [...applied].filter((id) => !known.has(id));
  if (later.length > 0)
    throw new DatabaseError(
      'wrong',
      `the database was made by a later version (${later.join(', ')}): update cairn-fleet`,
    );
  for (const migration of migrations) if (!applied.has(migration.id)) await apply(db, migration);
}

/** Until the transaction ends. Two that make the same table at the same time fail, `IF NOT EXISTS` or not. */
async function alone(tx: Queries): Promise<void> {
  if (tx.dialect === 'postgres') await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
}

async function apply(db: Database, { id, statements }: Migration): Promise<void> {
  await db.transaction(async (tx) => {
    await alone(tx);
    const [done] = await tx.query('SELECT id FROM migration WHERE id = $1', [id]);
    if (done) return;
    for (const statement of statements(tx.dialect)) await tx.query(statement);
    await tx.query('INSERT INTO migration (id, applied_ms) VALUES ($1, $2)', [id, BigInt(Date.now())]);
  }, STATEMENT_MS);
}
