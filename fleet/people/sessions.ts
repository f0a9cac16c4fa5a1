import type { Database, Queries, SqlRow } from '../db/index.js';
import type { Audit } from './audit.js';
import { storable } from './names.js';
import { ROLE_COLUMNS, rolesIn } from './roles.js';
import { hashOf, newToken } from './secrets.js';
import type { By, Caller, Sources } from './types.js';

/** A session ends so long after its last use, and so long after it began. */
export const IDLE_MS = 12 * 3_600_000;
export const ABSOLUTE_MS = 7 * 86_400_000;
/** Its last use is written down no more often. */
const SEEN_EVERY_MS = 60_000;
/** Of one person; the oldest one ends for another. */
const MAX_SESSIONS = 20;
const MAX_AGENT = 200;

/** The browser that somebody signs in with. */
export interface Browser {
  readonly address: string;
  readonly agent: string;
}

export interface Session extends Browser {
  readonly id: string;
  readonly createdMs: number;
  readonly seenMs: number;
}

/** Who is signed in, and where. A session's token is in the browser only; here is its SHA-256, which is its id too. */
export class Sessions {
  readonly #db: Database;
  readonly #sources: Sources;
  readonly #audit: Audit;

  constructor(db: Database, sources: Sources, audit: Audit) {
    this.#db = db;
    this.#sources = sources;
    this.#audit = audit;
  }

  /** A new one, with a token that nobody had before. */
  async open(tx: Queries, personId: string, { address, agent }: Browser): Promise<string> {
    const token = newToken(this.#sources.random);
    const now = this.#sources.nowMs();
    await tx.query(
      `DELETE FROM session WHERE session_id IN (SELECT session_id FROM session WHERE person_id = $1
        ORDER BY created_ms DESC LIMIT ${MAX_SESSIONS} OFFSET ${MAX_SESSIONS - 1})`,
      [personId],
    );
    await tx.query(
      'INSERT INTO session (session_id, person_id, created_ms, seen_ms, address, agent) VALUES ($1, $2, $3, $4, $5, $6)',
      [hashOf(token), personId, now, now, address, storable(agent).slice(0, MAX_AGENT)],
    );
    return token;
  }

  /** Whose it is, while it lasts. */
  async find(token: string): Promise<Caller | undefined> {
    const id = hashOf(token);
    const now = this.#sources.nowMs();
    const [row] = await this.#db.query<SqlRow & { person_id: string; name: string; seen_ms: bigint }>(
      `SELECT person_id, name, seen_ms, ${ROLE_COLUMNS} FROM session JOIN person USING (person_id)
        WHERE session_id = $1 AND seen_ms > $2 AND session.created_ms > $3`,
      [id, now - IDLE_MS, now - ABSOLUTE_MS],
    );
    if (!row) return undefined;
    if (now - Number(row.seen_ms) >= SEEN_EVERY_MS)
      await this.#db.query('UPDATE session SET seen_ms = $1 WHERE session_id = $2', [now, id]);
    return { id: row.person_id, name: row.name, roles: rolesIn(row), via: 'session', key: id };
  }

  /** Newest first. */
  async of(personId: string): Promise<readonly Session[]> {
    const now = this.#sources.nowMs();
    const rows = await this.#db.query<SqlRow & Record<'session_id' | 'address' | 'agent', string>>(
      `SELECT session_id, created_ms, seen_ms, address, agent FROM session
        WHERE person_id = $1 AND seen_ms > $2 AND created_ms > $3 ORDER BY created_ms DESC`,
      [personId, now - IDLE_MS, now - ABSOLUTE_MS],
    );
    return rows.map(({ session_id, created_ms, seen_ms, address, agent }) => ({
      ...{ id: session_id, createdMs: Number(created_ms), seenMs: Number(seen_ms), address, agent },
    }));
  }

  /** One of that person. */
  async end(personId: string, id: string, by: By): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const [ended] = await tx.query<SqlRow & { address: string }>(
        'DELETE FROM session WHERE person_id = $1 AND session_id = $2 RETURNING address',
        [personId, id],
      );
      if (ended)
        await this.#audit.write({ ...by, action: 'session.end', about: `from ${ended.address}` }, tx);
    });
  }

  /** All of that person. */
  async endAll(tx: Queries, personId: string): Promise<void> {
    await tx.query('DELETE FROM session WHERE person_id = $1', [personId]);
  }

  async forget(): Promise<void> {
    const now = this.#sources.nowMs();
    await this.#db.query('DELETE FROM session WHERE seen_ms <= $1 OR created_ms <= $2', [
      now - IDLE_MS,
      now - ABSOLUTE_MS,
    ]);
  }
}
