import { type Database, DatabaseError } from '../db/index.js';
import { DAY_NS, dayOf } from './row-times.js';
import type { StreamRows } from './write.js';

/** Of PostgreSQL's advisory locks. */
const LOCK = 0x43_52_44n;
/** What has a table a day there. */
export const DAY_TABLES = ['reading', 'log_line'] as const;
export type DayTable = (typeof DAY_TABLES)[number];

/** Days that the database has no table for: the transaction is tried again once they are made. */
export class MissingDays extends Error {
  override readonly name = 'MissingDays';

  constructor(readonly days: readonly number[]) {
    super(`no tables for the days ${days.join(', ')} since 1970`);
  }
}

/** PostgreSQL's tables by day. SQLite has one for all, and needs nothing here. */
export class Days {
  readonly #known = new Set<number>();

  constructor(private readonly db: Database) {}

  /** Throws MissingDays. */
  mustHave(all: readonly StreamRows[], receivedMs: number): void {
    const days = new Set<number>([dayOf(BigInt(receivedMs) * 1_000_000n)]);
    for (const { rows } of all)
      for (const { wallNs } of rows.readings) if (wallNs !== undefined) days.add(dayOf(wallNs));
    this.must(days);
  }

  must(days: Iterable<number>): void {
    if (this.db.dialect === 'sqlite') return;
    const missing = [...days].filter((day) => !this.#known.has(day));
    if (missing.length > 0) throw new MissingDays(missing);
  }

  /** Each by itself, before what needs it: a table that is made waits for all who use its parent. Another process may make the same. */
  async make(days: readonly number[]): Promise<void> {
    for (const day of days) {
      for (const table of DAY_TABLES)
        await this.db.transaction(async (tx) => {
          await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
          await tx.query(`CREATE TABLE IF NOT EXISTS ${table}_${day} PARTITION OF ${table}
            FOR VALUES FROM (${BigInt(day) * DAY_NS}) TO (${BigInt(day + 1) * DAY_NS})`);
        });
      this.#known.add(day);
    }
  }

  /** Runs `work` again once the days that it misses are made; also those that somebody has dropped since they were. */
  async with<T>(work: () => Promise<T>): Promise<T> {
    let hasForgotten = this.db.dialect === 'sqlite';
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const isDropped = error instanceof DatabaseError && error.kind === 'constraint' && !hasForgotten;
        if (error instanceof MissingDays) await this.make(error.days);
        else if (!isDropped) throw error;
        hasForgotten ||= isDropped;
        if (isDropped) this.#known.clear();
      }
    }
  }
}
