import { type Database, DatabaseError } from './types.js';

/** A database that is `down` to everybody until `open`: its schema isn't there yet, and what is written before would find no tables. */
export interface GatedDatabase extends Database {
  open(): void;
}

export function gated(db: Database): GatedDatabase {
  let isOpen = false;
  const closed = () =>
    Promise.reject(
      new DatabaseError('down', 'the database is not ready: its schema is being brought up to date'),
    );
  return {
    dialect: db.dialect,
    query: (sql, values) => (isOpen ? db.query(sql, values) : closed()),
    transaction: (work, statementMs) => (isOpen ? db.transaction(work, statementMs) : closed()),
    close: () => db.close(),
    open: () => {
      isOpen = true;
    },
  };
}
