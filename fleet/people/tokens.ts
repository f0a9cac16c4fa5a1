import type { Database, SqlRow } from '../db/index.js';
import type { Audit } from './audit.js';
import { checkedName } from './names.js';
import { lower, ROLE_COLUMNS, rolesIn, rolesText, roleValues } from './roles.js';
import { hashOf, newToken } from './secrets.js';
import { type By, type Caller, PeopleError, type Roles, type Sources } from './types.js';

/** Every token begins so: who finds one knows what it is, and searches find it. */
const PREFIX = 'cairn_';
const USED_EVERY_MS = 60_000;
/** Of one person. */
const MAX_TOKENS = 50;
const DAY_MS = 86_400_000;
const MAX_DAYS = 730;
const OWN_COLUMNS = ROLE_COLUMNS.replaceAll('role_', 'token.role_');

export interface Token {
  readonly id: string;
  readonly name: string;
  /** What it was given; it never may more than its person. */
  readonly roles: Roles;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly usedMs: number | undefined;
}

/** For programs (`Authorization: Bearer`), each of one person; here is its SHA-256, which is its id too. */
export class Tokens {
  readonly #db: Database;
  readonly #sources: Sources;
  readonly #audit: Audit;

  constructor(db: Database, sources: Sources, audit: Audit) {
    this.#db = db;
    this.#sources = sources;
    this.#audit = audit;
  }

  /** The token itself: shown once, and known to nobody afterwards. Rejects with PeopleError `input`, `full`. */
  async make(
    owner: Pick<Caller, 'id' | 'roles'>,
    { name: typed, roles, days }: { readonly name: string; readonly roles: Roles; readonly days: number },
    by: By,
  ): Promise<string> {
    const name = checkedName(typed);
    if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
      throw new PeopleError('input', `A token is good for 1 to ${MAX_DAYS} days.`);
    const given = lower(roles, owner.roles);
    if (Object.keys(given).length === 0)
      throw new PeopleError('input', 'Such a token could do nothing: give it a role that you have yourself.');
    const token = PREFIX + newToken(this.#sources.random);
    const now = this.#sources.nowMs();
    await this.#db.transaction(async (tx) => {
      const [had] = await tx.query<{ count: bigint }>(
        'SELECT count(*) AS count FROM token WHERE person_id = $1',
        [owner.id],
      );
      if (had!.count >= BigInt(MAX_TOKENS))
        throw new PeopleError('full', `You have ${MAX_TOKENS} tokens: revoke one that nobody uses.`);
      await tx.query(
        `INSERT INTO token (token_id, person_id, name, created_ms, expires_ms, ${ROLE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [hashOf(token), owner.id, name, now, now + days * DAY_MS, ...roleValues(given)],
      );
      await this.#audit.write({ ...by, action: 'token.make', about: name, detail: rolesText(given) }, tx);
    });
    return token;
  }

  /** Whose it is, and what it may, while it lasts. */
  async find(token: string): Promise<Caller | undefined> {
    if (!token.startsWith(PREFIX)) return undefined;
    const id = hashOf(token);
    const now = this.#sources.nowMs();
    const [row] = await this.#db.query<TokenRow & { person_id: string; person: string }>(
      `SELECT token_id, token.name, token.created_ms, expires_ms, used_ms, ${OWN_COLUMNS}, person_id, person.name AS person
        FROM token JOIN person USING (person_id) WHERE token_id = $1 AND expires_ms > $2`,
      [id, now],
    );
    if (!row) return undefined;
    const [person] = await this.#db.query(`SELECT ${ROLE_COLUMNS} FROM person WHERE person_id = $1`, [
      row.person_id,
    ]);
    if (now - Number(row.used_ms ?? 0n) >= USED_EVERY_MS)
      await this.#db.query('UPDATE token SET used_ms = $1 WHERE token_id = $2', [now, id]);
    const roles = lower(rolesIn(row), rolesIn(person ?? {}));
    return { id: row.person_id, name: `${row.person} (token ${row.name})`, roles, via: 'token', key: id };
  }

  /** Newest first. */
  async of(personId: string): Promise<readonly Token[]> {
    const rows = await this.#db.query<TokenRow>(
      `SELECT token_id, name, created_ms, expires_ms, used_ms, ${ROLE_COLUMNS} FROM token
        WHERE person_id = $1 AND expires_ms > $2 ORDER BY created_ms DESC`,
      [personId, this.#sources.nowMs()],
    );
    return rows.map((row) => ({
      id: row.token_id,
      name: row.name,
      roles: rolesIn(row),
      createdMs: Number(row.created_ms),
      expiresMs: Number(row.expires_ms),
      usedMs: row.used_ms === null ? undefined : Number(row.used_ms),
    }));
  }

  async revoke(personId: string, id: string, by: By): Promise<void> {
    await this.#db.transaction(async (tx) => {
      const [revoked] = await tx.query<SqlRow & { name: string }>(
        'DELETE FROM token WHERE person_id = $1 AND token_id = $2 RETURNING name',
        [personId, id],
      );
      if (revoked) await this.#audit.write({ ...by, action: 'token.revoke', about: revoked.name }, tx);
    });
  }

  async forget(): Promise<void> {
    await this.#db.query('DELETE FROM token WHERE expires_ms <= $1', [this.#sources.nowMs()]);
  }
}

interface TokenRow {
  readonly [column: string]: string | bigint | null;
  readonly token_id: string;
  readonly name: string;
  readonly created_ms: bigint;
  readonly expires_ms: bigint;
  readonly used_ms: bigint | null;
}
