import { Secret, TOTP } from 'otpauth';
import type { Database, Queries } from '../db/index.js';
import type { Audit } from './audit.js';
import { asTyped, base32, hashOf, newTyped } from './secrets.js';
import { type By, PeopleError, type Sources } from './types.js';

/** RFC 6238 as every app has it: SHA-1, six digits, steps of 30 s; a clock may be one step off. */
const STEP_MS = 30_000;
const WINDOW = 1;
const SIX_DIGITS = /^\d{6}$/;
/** RFC 4226 §4 R6: 160 bits. */
const SECRET_BYTES = 20;
const RECOVERY_CODES = 10;
const RECOVERY_BYTES = 10;

export interface Enrolment {
  /** To type into an app. */
  readonly secret: string;
  /** `otpauth://totp/…`, for apps that take it. */
  readonly uri: string;
}

/** The second thing that somebody signs in with: a code of an app, or a recovery code, each good for once. */
export class Factors {
  readonly #db: Database;
  readonly #sources: Sources;
  readonly #audit: Audit;

  constructor(db: Database, sources: Sources, audit: Audit) {
    this.#db = db;
    this.#sources = sources;
    this.#audit = audit;
  }

  /** Nothing is asked of them until a first code proves that their app has the secret. */
  async begin(personId: string): Promise<void> {
    await this.#db.query('UPDATE person SET totp_pending = $1 WHERE person_id = $2', [
      base32(this.#sources.random(SECRET_BYTES)),
      personId,
    ]);
  }

  /** The secret that waits for its first code. */
  async pending(personId: string): Promise<Enrolment | undefined> {
    const [row] = await this.#db.query<{ name: string; totp_pending: string | null }>(
      'SELECT name, totp_pending FROM person WHERE person_id = $1',
      [personId],
    );
    if (!row?.totp_pending) return undefined;
    const totp = new TOTP({ issuer: 'Cairn', label: row.name, secret: row.totp_pending });
    return { secret: row.totp_pending, uri: totp.toString() };
  }

  /** Resolves with recovery codes, shown once; those of before are dead. Rejects with PeopleError `denied`, `gone`. */
  async confirm(personId: string, code: string, by: By): Promise<readonly string[]> {
    const secret = (await this.pending(personId))?.secret;
    if (!secret) throw new PeopleError('gone', 'There is no secret that waits for a code: begin anew.');
    const step = stepOf(secret, code, this.#sources.nowMs());
    if (step === undefined)
      throw new PeopleError(
        'denied',
        'That is not the code of this secret: look at the clock of your phone.',
      );
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      newTyped(this.#sources.random, RECOVERY_BYTES),
    );
    await this.#db.transaction(async (tx) => {
      await tx.query(
        'UPDATE person SET totp = $1, totp_step = $2, totp_pending = NULL WHERE person_id = $3',
        [secret, step, personId],
      );
      await tx.query('DELETE FROM recovery WHERE person_id = $1', [personId]);
      for (const each of codes)
        await tx.query('INSERT INTO recovery (person_id, code) VALUES ($1, $2)', [
          personId,
          hashOf(asTyped(each)),
        ]);
      await this.#audit.write({ ...by, action: 'code.on' }, tx);
    });
    return codes;
  }

  async end(personId: string, by: By): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await this.drop(tx, personId);
      await this.#audit.write({ ...by, action: 'code.off' }, tx);
    });
  }

  /** No code is asked from now on. */
  async drop(tx: Queries, personId: string): Promise<void> {
    await tx.query('UPDATE person SET totp = NULL, totp_pending = NULL WHERE person_id = $1', [personId]);
    await tx.query('DELETE FROM recovery WHERE person_id = $1', [personId]);
  }

  /** Whether it looks like a code of an app, and such a one is asked of them. */
  async isGuessable(personId: string, code: string): Promise<boolean> {
    if (!SIX_DIGITS.test(code.replace(/\s/g, ''))) return false;
    const asked = await this.#db.query(
      'SELECT person_id FROM person WHERE person_id = $1 AND totp IS NOT NULL',
      [personId],
    );
    return asked.length === 1;
  }

  /** Whether it is right, or none is asked; a right one is used up. */
  async take(tx: Queries, personId: string, code: string): Promise<boolean> {
    const [row] = await tx.query<{ totp: string | null }>('SELECT totp FROM person WHERE person_id = $1', [
      personId,
    ]);
    if (!row?.totp) return row !== undefined;
    const step = stepOf(row.totp, code, this.#sources.nowMs());
    const used =
      step === undefined
        ? await tx.query('DELETE FROM recovery WHERE person_id = $1 AND code = $2 RETURNING code', [
            personId,
            hashOf(asTyped(code)),
          ])
        : await tx.query(
            'UPDATE person SET totp_step = $1 WHERE person_id = $2 AND totp_step < $1 RETURNING person_id',
            [step, personId],
          );
    return used.length === 1;
  }
}

/** The step that a code belongs to; undefined: to none of now. */
function stepOf(secret: string, code: string, nowMs: number): number | undefined {
  const token = code.replace(/\s/g, '');
  if (!SIX_DIGITS.test(token)) return undefined;
  const delta = TOTP.validate({
    token,
    secret: Secret.fromBase32(secret),
    timestamp: nowMs,
    window: WINDOW,
  });
  return delta === null ? undefined : Math.floor(nowMs / STEP_MS) + delta;
}
