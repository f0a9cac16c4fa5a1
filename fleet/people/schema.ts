import type { Dialect, Migration } from '../db/index.js';

const role = (group: string) => `role_${group} TEXT CHECK (role_${group} IN ('viewer', 'operator', 'owner'))`;
const ROLE_COLUMNS = ['dev', 'stage', 'prod'].map(role).join(', ');
const OF_A_PERSON = 'person_id TEXT NOT NULL REFERENCES person ON DELETE CASCADE';

/** Of whatever lets somebody in, only hashes are here; `totp` is what codes are made from, which no hash can be. */
export const PEOPLE_MIGRATIONS: readonly Migration[] = [
  {
    id: 'people-1',
    statements: (dialect) => [
      `CREATE TABLE person (
        person_id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL UNIQUE, email TEXT, ${ROLE_COLUMNS},
        password TEXT, invitation TEXT UNIQUE, invited_until_ms BIGINT,
        totp TEXT, totp_pending TEXT, totp_step BIGINT NOT NULL DEFAULT 0, created_ms BIGINT NOT NULL)`,
      `CREATE TABLE recovery (${OF_A_PERSON}, code TEXT NOT NULL, PRIMARY KEY (person_id, code))`,
      `CREATE TABLE session (
        session_id TEXT PRIMARY KEY, ${OF_A_PERSON}, created_ms BIGINT NOT NULL, seen_ms BIGINT NOT NULL,
        address TEXT NOT NULL, agent TEXT NOT NULL)`,
      'CREATE INDEX session_of ON session (person_id, created_ms)',
      `CREATE TABLE token (
        token_id TEXT PRIMARY KEY, ${OF_A_PERSON}, name TEXT NOT NULL, ${ROLE_COLUMNS},
        created_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, used_ms BIGINT)`,
      'CREATE INDEX token_of ON token (person_id, created_ms)',
      'CREATE TABLE attempt (attempt_key TEXT PRIMARY KEY, failures BIGINT NOT NULL, last_ms BIGINT NOT NULL)',
      'CREATE TABLE first_secret (id BIGINT PRIMARY KEY, salt TEXT NOT NULL, hash TEXT NOT NULL)',
      `CREATE TABLE audit (
        audit_id ${COUNTED[dialect]}, at_ms BIGINT NOT NULL, who TEXT NOT NULL, origin TEXT NOT NULL,
        action TEXT NOT NULL, about TEXT NOT NULL, detail TEXT NOT NULL)`,
      'CREATE INDEX audit_at ON audit (at_ms)',
      ...APPEND_ONLY[dialect],
    ],
  },
];

const COUNTED: Record<Dialect, string> = {
  sqlite: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  postgres: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
};

/** What was written is never changed; it goes by age only. */
const APPEND_ONLY: Record<Dialect, readonly string[]> = {
  sqlite: [
    `CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit is not changed'); END`,
  ],
  postgres: [
    `CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE integrity_constraint_violation USING MESSAGE = 'the audit is not changed'; END $$`,
    'CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays()',
  ],
};
