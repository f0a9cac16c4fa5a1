import type { Database } from '../db/index.js';
import { Audit } from './audit.js';
import { Directory } from './directory.js';
import { Factors } from './factors.js';
import { nodeScrypt, Passwords, type Scrypt } from './passwords.js';
import { Sessions } from './sessions.js';
import { SignIn } from './sign-in.js';
import { Tokens } from './tokens.js';
import type { Caller, Sources } from './types.js';

/** Who may what, and who did what. All reject with DatabaseError, and with PeopleError where they say so. */
export interface People {
  readonly directory: Directory;
  readonly signIn: SignIn;
  readonly sessions: Sessions;
  readonly factors: Factors;
  readonly tokens: Tokens;
  readonly audit: Audit;
  /** Clears away what is over; for once an hour. */
  tend(): Promise<void>;
}

/** The database has PEOPLE_MIGRATIONS. */
export function openPeople(
  db: Database,
  { scrypt = nodeScrypt, ...sources }: Sources & { readonly scrypt?: Scrypt },
): People {
  const audit = new Audit(db, sources);
  const directory = new Directory(db, sources, audit);
  const sessions = new Sessions(db, sources, audit);
  const factors = new Factors(db, sources, audit);
  const tokens = new Tokens(db, sources, audit);
  const passwords = new Passwords(sources, scrypt);
  const signIn = new SignIn(db, sources, { directory, sessions, factors, passwords, audit });
  const tend = async () => {
    for (const each of [sessions, tokens, signIn, audit]) await each.forget();
  };
  return { directory, signIn, sessions, factors, tokens, audit, tend };
}

/** How the audit names them: by their name, and the address that they came from. */
export function byOf(caller: Pick<Caller, 'name'>, address: string): { who: string; from: string } {
  return { who: caller.name, from: address };
}
