import type { Database, Queries, SqlRow } from '../db/index.js';
import type { Audit } from './audit.js';
import { checkedEmail, checkedName, nameKey } from './names.js';
import { everywhere, ROLE_COLUMNS, rolesIn, rolesText, roleValues } from './roles.js';
import { hashOf, newId, newToken } from './secrets.js';
import { type By, PeopleError, type Person, type Roles, type Sources } from './types.js';

const MAX_PEOPLE = 1_000;
const INVITED_FOR_MS = 7 * 86_400_000;
const IS_OWNER =
  "role_dev = 'owner' AND role_stage = 'owner' AND role_prod = 'owner' AND password IS NOT NULL";

/** All people, and what they may. Whoever calls has seen to it that `by` is an owner. */
export class Directory {
  readonly #db: Database;
  readonly #sources: Sources;
  readonly #audit: Audit;

  constructor(db: Database, sources: Sources, audit: Audit) {
    this.#db = db;
    this.#sources = sources;
    this.#audit = audit;
  }

  /** By name. */
  async list(): Promise<readonly Person[]> {
    const rows = await this.#db.query<PersonRow>(`${SELECT} ORDER BY name_key`);
    return rows.map(personIn);
  }

  /** Rejects with PeopleError `gone`. */
  async get(id: string): Promise<Person> {
    const [row] = await this.#db.query<PersonRow>(`${SELECT} WHERE person_id = $1`, [id]);
    if (!row) throw gone();
    return personIn(row);
  }

  /** What their link ends in: good for once and a week. Rejects with PeopleError `input`, `taken`, `full`. */
  async invite(
    typed: { readonly name: string; readonly email: string; readonly roles: Roles },
    by: By,
  ): Promise<string> {
    const person = { name: checkedName(typed.name), email: checkedEmail(typed.email), roles: typed.roles };
    return this.#db.transaction(async (tx) => {
      const id = await this.#add(tx, person);
      await this.#audit.write(
        { ...by, action: 'people.invite', about: person.name, detail: rolesText(typed.roles) },
        tx,
      );
      return this.#invitation(tx, id);
    });
  }

  /** A new link for somebody who forgot their password or lost their phone: the old ones count until it is used. */
  async inviteAgain(id: string, by: By): Promise<string> {
    return this.#db.transaction(async (tx) => {
      await this.#audit.write({ ...by, action: 'people.link', about: await nameOf(tx, id) }, tx);
      return this.#invitation(tx, id);
    });
  }

  /** Whom a link is for, while it is good. */
  async invited(link: string, q: Queries = this.#db): Promise<Person | undefined> {
    const [row] = await q.query<PersonRow>(`${SELECT} WHERE invitation = $1 AND invited_until_ms > $2`, [
      hashOf(link),
      this.#sources.nowMs(),
    ]);
    return row && personIn(row);
  }

  /** Rejects with PeopleError `lastOwner`, `gone`. */
  async setRoles(id: string, roles: Roles, by: By): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await lockPeople(tx);
      const name = await nameOf(tx, id);
      await tx.query(
        'UPDATE person SET role_dev = $2, role_stage = $3, role_prod = $4 WHERE person_id = $1',
        [id, ...roleValues(roles)],
      );
      await keepOwner(tx);
      await this.#audit.write({ ...by, action: 'people.roles', about: name, detail: rolesText(roles) }, tx);
    });
  }

  /** With their sessions and tokens. Rejects with PeopleError `lastOwner`, `gone`. */
  async remove(id: string, by: By): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await lockPeople(tx);
      const name = await nameOf(tx, id);
      await tx.query('DELETE FROM person WHERE person_id = $1', [id]);
      await keepOwner(tx);
      await this.#audit.write({ ...by, action: 'people.remove', about: name }, tx);
    });
  }

  /** The first owner; only where there is none. */
  async addOwner(tx: Queries, name: string, password: string): Promise<string> {
    const id = await this.#add(tx, { name: checkedName(name), email: undefined, roles: everywhere('owner') });
    await tx.query('UPDATE person SET password = $1 WHERE person_id = $2', [password, id]);
    return id;
  }

  async #add(
    tx: Queries,
    { name, email, roles }: { name: string; email: string | undefined; roles: Roles },
  ): Promise<string> {
    const [had] = await tx.query<{ count: bigint }>('SELECT count(*) AS count FROM person');
    if (had!.count >= BigInt(MAX_PEOPLE))
      throw new PeopleError('full', `There are ${MAX_PEOPLE} people: remove some.`);
    const id = newId(this.#sources.random);
    const added = await tx.query(
      `INSERT INTO person (person_id, name, name_key, email, created_ms, ${ROLE_COLUMNS})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name_key) DO NOTHING RETURNING person_id`,
      [id, name, nameKey(name), email ?? null, this.#sources.nowMs(), ...roleValues(roles)],
    );
    if (added.length === 0) throw new PeopleError('taken', `There is somebody named ${name} already.`);
    return id;
  }

  async #invitation(tx: Queries, id: string): Promise<string> {
    const link = newToken(this.#sources.random);
    await tx.query('UPDATE person SET invitation = $1, invited_until_ms = $2 WHERE person_id = $3', [
      hashOf(link),
      this.#sources.nowMs() + INVITED_FOR_MS,
      id,
    ]);
    return link;
  }
}

export async function hasOwner(q: Queries): Promise<boolean> {
  return (await q.query(`SELECT person_id FROM person WHERE ${IS_OWNER} LIMIT 1`)).length > 0;
}

/** Until the transaction ends nobody else changes people: two owners don't demote each other. SQLite has one writer anyway. */
export async function lockPeople(tx: Queries): Promise<void> {
  if (tx.dialect === 'postgres') await tx.query('LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE');
}

async function keepOwner(tx: Queries): Promise<void> {
  if (!(await hasOwner(tx)))
    throw new PeopleError(
      'lastOwner',
      'Nobody could manage people then: make somebody else an owner of all.',
    );
}

async function nameOf(tx: Queries, id: string): Promise<string> {
  const [row] = await tx.query<{ name: string }>('SELECT name FROM person WHERE person_id = $1', [id]);
  if (!row) throw gone();
  return row.name;
}

function gone(): PeopleError {
  return new PeopleError('gone', 'There is no such person (any more).');
}

const SELECT = `SELECT person_id, name, email, ${ROLE_COLUMNS}, password IS NULL AS is_invited, totp IS NOT NULL AS has_code, created_ms FROM person`;

interface PersonRow extends SqlRow {
  readonly person_id: string;
  readonly name: string;
  readonly email: string | null;
  readonly is_invited: bigint;
  readonly has_code: bigint;
  readonly created_ms: bigint;
}

function personIn(row: PersonRow): Person {
  return {
    id: row.person_id,
    name: row.name,
    email: row.email ?? undefined,
    roles: rolesIn(row),
    state: row.is_invited === 1n ? 'invited' : 'active',
    hasCode: row.has_code === 1n,
    createdMs: Number(row.created_ms),
  };
}
