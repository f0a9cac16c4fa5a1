import { timingSafeEqual } from 'node:crypto';
import type { Database, Queries } from '../db/index.js';
import { Attempts } from './attempts.js';
import type { Audit } from './audit.js';
import { type Directory, hasOwner, lockPeople } from './directory.js';
import type { Factors } from './factors.js';
import { nameKey } from './names.js';
import type { Passwords } from './passwords.js';
import { asTyped, hashOf, newTyped } from './secrets.js';
import type { Browser, Sessions } from './sessions.js';
import { type By, type Caller, PeopleError, type Sources } from './types.js';

const FIRST_BYTES = 15;
/** One answer for all that may be wrong. */
const DENIED = 'Name, password or code is wrong.';
const NOT_FIRST = 'That is not the secret, or somebody owns this fleet already.';
const NO_LINK = 'This link is used, expired or unknown: ask an owner for a new one.';

interface Parts {
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly factors: Factors;
  readonly passwords: Passwords;
  readonly audit: Audit;
}

interface Known {
  readonly [column: string]: string | null;
  readonly person_id: string;
  readonly name: string;
  readonly password: string | null;
}

/** All ways in, and what they are opened with. What is resolved with is the token of a new session. */
export class SignIn {
  readonly #db: Database;
  readonly #sources: Sources;
  readonly #parts: Parts;
  readonly #attempts: Attempts;

  constructor(db: Database, sources: Sources, parts: Parts) {
    this.#db = db;
    this.#sources = sources;
    this.#parts = parts;
    this.#attempts = new Attempts(db, sources);
  }

  /** A secret for whoever becomes the first owner, while there is none; the one of before is dead. */
  async firstSecret(): Promise<string | undefined> {
    const secret = newTyped(this.#sources.random, FIRST_BYTES);
    const salt = newTyped(this.#sources.random, FIRST_BYTES);
    return this.#db.transaction(async (tx) => {
      await tx.query('DELETE FROM first_secret');
      if (await hasOwner(tx)) return undefined;
      await tx.query('INSERT INTO first_secret (id, salt, hash) VALUES (1, $1, $2)', [
        salt,
        hashOf(salt + asTyped(secret)),
      ]);
      return secret;
    });
  }

  hasOwner(): Promise<boolean> {
    return hasOwner(this.#db);
  }

  /** Makes the first owner. Rejects with PeopleError `denied`, `wait`, `input`, `busy`. */
  async claim(
    typed: { readonly secret: string; readonly name: string; readonly password: string },
    browser: Browser,
  ): Promise<string> {
    const takeBack = await this.#attempts.begin('the first secret', browser.address);
    const isRight = await this.#isFirst(this.#db, typed.secret);
    if (!isRight) return this.#deny(NOT_FIRST, 'first.refused', '', '', browser);
    await takeBack(this.#db);
    const password = await this.#parts.passwords.hash(typed.password);
    return this.#db.transaction(async (tx) => {
      await lockPeople(tx);
      if ((await hasOwner(tx)) || !(await this.#isFirst(tx, typed.secret)))
        throw new PeopleError('gone', NOT_FIRST);
      const id = await this.#parts.directory.addOwner(tx, typed.name, password);
      await tx.query('DELETE FROM first_secret');
      return this.#open(tx, id, typed.name, 'first.owner', browser);
    });
  }

  /** Rejects with PeopleError `denied`, `wait`, `busy`: whether there is such a name can't be told from the answer, nor from the work. */
  async signIn(
    typed: { readonly name: string; readonly password: string; readonly code: string },
    browser: Browser,
  ): Promise<string> {
    const key = nameKey(typed.name);
    const takeBack = await this.#attempts.begin(key, browser.address);
    const [known] = await this.#db.query<Known>(
      'SELECT person_id, name, password FROM person WHERE name_key = $1',
      [key],
    );
    const { isRight, renewed } = await this.#parts.passwords.check(
      typed.password,
      known?.password ?? undefined,
    );
    // What is typed for a name that nobody has may be a password.
    const refuse = (why: string) => this.#deny(DENIED, 'sign-in.refused', known?.name ?? '', why, browser);
    if (!known || !isRight) return refuse(known ? 'password' : 'unknown name');
    const takeBackCode = await this.#beginCode(known.person_id, typed.code);
    const token = await this.#db.transaction(async (tx) => {
      const isSame = await keepPassword(tx, known, renewed);
      if (!isSame || !(await this.#parts.factors.take(tx, known.person_id, typed.code))) return undefined;
      await takeBack(tx);
      await takeBackCode?.(tx);
      return this.#open(tx, known.person_id, known.name, 'sign-in', browser);
    });
    return token ?? refuse('code');
  }

  /** Six digits can be guessed; a recovery code can't, and lets its owner in while somebody guesses. */
  async #beginCode(personId: string, code: string) {
    return (await this.#parts.factors.isGuessable(personId, code))
      ? this.#attempts.beginCode(personId)
      : undefined;
  }

  /** Rejects with PeopleError `gone`, `input`, `busy`. */
  async accept(link: string, password: string, browser: Browser): Promise<string> {
    const { directory, passwords, sessions, factors } = this.#parts;
    if (!(await directory.invited(link))) throw new PeopleError('gone', NO_LINK);
    const record = await passwords.hash(password);
    return this.#db.transaction(async (tx) => {
      await lockPeople(tx);
      const person = await directory.invited(link, tx);
      if (!person) throw new PeopleError('gone', NO_LINK);
      await setPassword(tx, person.id, record);
      await factors.drop(tx, person.id);
      await sessions.endAll(tx, person.id);
      return this.#open(tx, person.id, person.name, 'people.accept', browser);
    });
  }

  /** Ends all sessions of theirs, this one too: somebody may have a copy of it. Rejects with PeopleError `denied`, `wait`, `input`, `busy`. */
  async changePassword(
    caller: Caller,
    typed: { readonly password: string; readonly next: string },
    browser: Browser,
  ): Promise<string> {
    await this.prove(caller, typed.password, { who: caller.name, from: browser.address });
    const record = await this.#parts.passwords.hash(typed.next);
    return this.#db.transaction(async (tx) => {
      await setPassword(tx, caller.id, record);
      await this.#parts.sessions.endAll(tx, caller.id);
      return this.#open(tx, caller.id, caller.name, 'password', browser);
    });
  }

  /** That whoever holds a session knows the password too. Rejects with PeopleError `denied`, `wait`, `busy`. */
  async prove(caller: Caller, password: string, by: By): Promise<void> {
    const takeBack = await this.#attempts.begin(nameKey(caller.name), by.from);
    const [known] = await this.#db.query<Known>(
      'SELECT person_id, name, password FROM person WHERE person_id = $1',
      [caller.id],
    );
    const { isRight } = await this.#parts.passwords.check(password, known?.password ?? undefined);
    if (isRight) return takeBack(this.#db);
    await this.#parts.audit.write({ ...by, action: 'password.refused' });
    throw new PeopleError('denied', 'That is not your password.');
  }

  async signOut(caller: Caller, by: By): Promise<void> {
    await this.#parts.sessions.end(caller.id, caller.key, by);
  }

  forget(): Promise<void> {
    return this.#attempts.forget();
  }

  async #isFirst(q: Queries, typed: string): Promise<boolean> {
    const [row] = await q.query<{ salt: string; hash: string }>('SELECT salt, hash FROM first_secret');
    return !!row && timingSafeEqual(Buffer.from(row.hash), Buffer.from(hashOf(row.salt + asTyped(typed))));
  }

  async #open(tx: Queries, id: string, name: string, action: string, browser: Browser): Promise<string> {
    await this.#parts.audit.write({ who: name, from: browser.address, action }, tx);
    return this.#parts.sessions.open(tx, id, browser);
  }

  async #deny(
    text: string,
    action: string,
    about: string,
    detail: string,
    { address }: Browser,
  ): Promise<never> {
    await this.#parts.audit.write({ who: 'nobody', from: address, action, about, detail });
    throw new PeopleError('denied', text);
  }
}

/** Whether it still is the one that was checked. */
async function keepPassword(tx: Queries, known: Known, renewed: string | undefined): Promise<boolean> {
  const kept = await tx.query(
    'UPDATE person SET password = $1 WHERE person_id = $2 AND password = $3 RETURNING person_id',
    [renewed ?? known.password, known.person_id, known.password],
  );
  return kept.length === 1;
}

/** Kills a link that may be under way. */
async function setPassword(tx: Queries, id: string, record: string): Promise<void> {
  await tx.query(
    'UPDATE person SET password = $1, invitation = NULL, invited_until_ms = NULL WHERE person_id = $2',
    [record, id],
  );
}
