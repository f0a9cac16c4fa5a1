import type { Database, Within } from '../db/index.js';

/** While it lasts, alerts of the node or group are kept and shown, and nobody is told; those still open at its end are told then. */
export interface Maintenance {
  /** `node:0011223344556677`, `group:stage`. */
  readonly scope: string;
  readonly untilMs: number;
  readonly by: string;
  readonly note: string;
}

const LONGEST_MS = 31 * 86_400_000;

export class Maintenances {
  constructor(private readonly db: Database) {}

  async current(nowMs: number): Promise<readonly Maintenance[]> {
    const rows = await this.db.query(
      'SELECT * FROM maintenance WHERE until_ms > $1 ORDER BY scope LIMIT 2000',
      [BigInt(nowMs)],
    );
    return rows.map((row) => ({
      scope: row.scope as string,
      untilMs: Number(row.until_ms),
      by: row.set_by as string,
      note: row.note as string,
    }));
  }

  /** At most 31 days; another one of the same scope is replaced. `within` runs in the same transaction. Throws RangeError. */
  async set({ scope, untilMs, by, note }: Maintenance, nowMs: number, within?: Within): Promise<void> {
    if (!/^(node:[^\s\0]{1,128}|group:(dev|stage|prod))$/.test(scope))
      throw new RangeError(`"${scope.slice(0, 80)}": give node:ID, or group:dev, group:stage, group:prod`);
    if (!(untilMs > nowMs && untilMs <= nowMs + LONGEST_MS))
      throw new RangeError('maintenance ends in the future, within 31 days');
    await this.db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO maintenance (scope, until_ms, set_by, note) VALUES ($1, $2, $3, $4)
         ON CONFLICT (scope) DO UPDATE SET until_ms = excluded.until_ms, set_by = excluded.set_by, note = excluded.note`,
        [scope, BigInt(Math.round(untilMs)), by.slice(0, 128), note.slice(0, 500).replaceAll('\0', '')],
      );
      await within?.(tx);
    });
  }

  /** Ends it now: what it held back and is still open is told at the next tick. `within` runs in the same transaction, where there was one. */
  async end(scope: string, nowMs: number, within?: Within): Promise<void> {
    await this.db.transaction(async (tx) => {
      const ended = await tx.query('DELETE FROM maintenance WHERE scope = $1 RETURNING scope', [scope]);
      if (ended.length > 0) await within?.(tx);
      await tx.query(
        `UPDATE alert SET next_step_ms = $1 WHERE state = 'open' AND held = 'maintenance' AND next_step_ms > $1`,
        [BigInt(nowMs)],
      );
    });
  }
}
