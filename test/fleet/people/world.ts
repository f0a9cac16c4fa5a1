import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../../../fleet/db/index.js';
import { everywhere, openPeople, PEOPLE_MIGRATIONS, type People } from '../../../fleet/people/index.js';
import type { Fresh } from '../db/databases.js';

export const PASSWORD = 'correct horse battery';
export const BROWSER = { address: '192.0.2.7', agent: 'a browser' };
export const BY = { who: 'Anna', from: '192.0.2.7' };

/** A clock that is set by hand, and a scrypt that costs nothing and counts. */
export class World {
  nowMs = Date.UTC(2026, 0, 1);
  scrypts = 0;

  constructor(readonly db: Database) {}

  static async open(fresh: Fresh): Promise<{ world: World; people: People }> {
    const world = new World(await fresh(PEOPLE_MIGRATIONS));
    return { world, people: world.people() };
  }

  /** As another process has them. */
  people(): People {
    return openPeople(this.db, {
      nowMs: () => this.nowMs,
      random: randomBytes,
      scrypt: async (password, salt, { N, r, p }) => {
        this.scrypts++;
        return createHash('sha256').update(`${N} ${r} ${p} ${password}`).update(salt).digest();
      },
    });
  }

  /** Everything that the database holds, as text. */
  async dump(): Promise<string> {
    const tables = ['person', 'recovery', 'session', 'token', 'attempt', 'first_secret', 'audit'];
    const rows = await Promise.all(tables.map((table) => this.db.query(`SELECT * FROM ${table}`)));
    return JSON.stringify(rows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
  }
}

/** Anna, owner of all; her session's token. */
export async function withOwner(fresh: Fresh): Promise<{ world: World; people: People; session: string }> {
  const { world, people } = await World.open(fresh);
  const secret = (await people.signIn.firstSecret())!;
  const session = await people.signIn.claim({ secret, name: 'Anna', password: PASSWORD }, BROWSER);
  return { world, people, session };
}

/** Somebody with a password, and the id of theirs. */
export async function join(people: People, name: string, roles = everywhere('viewer')): Promise<string> {
  const link = await people.directory.invite({ name, email: '', roles }, BY);
  const session = await people.signIn.accept(link, PASSWORD, BROWSER);
  return (await people.sessions.find(session))!.id;
}

export function typed(name: string, password = PASSWORD, code = '') {
  return { name, password, code };
}
