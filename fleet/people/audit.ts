import type { Database, Queries } from '../db/index.js';
import { storable } from './names.js';
import type { AuditEntry, Sources } from './types.js';

const KEEP_MS = 400 * 86_400_000;
/** Should somebody fill it: the newest stay. */
const MAX_ROWS = 1_000_000;
const MAX_TEXT = 256;
const MAX_PAGE = 500;

export interface AuditLine extends Required<AuditEntry> {
  readonly id: bigint;
  readonly atMs: number;
}

/** Who did what, when, from where; only ever added to, and read newest first. */
export class Audit {
  readonly #db: Database;
  readonly #nowMs: () => number;

  constructor(db: Database, { nowMs }: Sources) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** With `tx`: it is written if, and only if, what it tells of is. */
  async write({ who, from, action, about = '', detail = '' }: AuditEntry, tx?: Queries): Promise<void> {
    const texts = [who, from, action, about, detail].map((text) => storable(text).slice(0, MAX_TEXT));
    await (tx ?? this.#db).query(
      'INSERT INTO audit (at_ms, who, origin, action, about, detail) VALUES ($1, $2, $3, $4, $5, $6)',
      [this.#nowMs(), ...texts],
    );
  }

  /** `before`: the id of the last line of the page before. */
  async read(limit: number, before?: bigint): Promise<readonly AuditLine[]> {
    const rows = await this.#db.query<AuditRow>(
      'SELECT * FROM audit WHERE CAST($1 AS BIGINT) = 0 OR audit_id < CAST($1 AS BIGINT) ORDER BY audit_id DESC LIMIT $2',
      [before ?? 0n, Math.min(limit, MAX_PAGE)],
    );
    return rows.map(({ audit_id, at_ms, who, origin, action, about, detail }) => ({
      ...{ id: audit_id, atMs: Number(at_ms), who, from: origin, action, about, detail },
    }));
  }

  async forget(): Promise<void> {
    await this.#db.query(
      'DELETE FROM audit WHERE at_ms < $1 OR audit_id <= (SELECT max(audit_id) FROM audit) - CAST($2 AS BIGINT)',
      [this.#nowMs() - KEEP_MS, MAX_ROWS],
    );
  }
}

interface AuditRow {
  readonly [column: string]: string | bigint;
  readonly audit_id: bigint;
  readonly at_ms: bigint;
  readonly who: string;
  readonly origin: string;
  readonly action: string;
  readonly about: string;
  readonly detail: string;
}
