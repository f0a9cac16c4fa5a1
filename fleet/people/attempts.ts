import type { Database, Queries } from '../db/index.js';
import { hashOf } from './secrets.js';
import { PeopleError, type Sources } from './types.js';

interface Patience {
  /** So many wrong ones in a row cost nothing. */
  readonly free: number;
  /** The wait doubles up to here, and no further: whoever knows their password always gets in. */
  readonly maxMs: number;
}

/** A name waits less than an address: who guesses at a name from one address leaves its owner three quarters of the time. */
const OF_NAME: Patience = { free: 3, maxMs: 15_000 };
/** Many people may share one. */
const OF_ADDRESS: Patience = { free: 10, maxMs: 60_000 };
/** Only who has the password comes so far, and a code has six digits: 96 guesses a day, of which three are right each time, are 0.03 %. */
const OF_CODE: Patience = { free: 5, maxMs: 900_000 };
const FIRST_MS = 1_000;
/** As long as nothing went wrong, all is forgotten. */
const FORGET_MS = 3_600_000;
const MAX_ROWS = 10_000;

type TakeBack = (tx: Queries) => Promise<void>;

/** Wrong passwords, codes and secrets, by name and by address; in the database, so that a restart forgives nothing. */
export class Attempts {
  readonly #db: Database;
  readonly #nowMs: () => number;

  constructor(db: Database, { nowMs }: Sources) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /**
   * Counts a try as wrong before anybody looks at it; what is returned takes that back once it proved right. Rejects with PeopleError `wait` where it comes
   * too early after wrong ones: that one isn't counted.
   */
  async begin(name: string, address: string): Promise<TakeBack> {
    const nameKey = `name ${hashOf(name)}`;
    const addressKey = `from ${networkOf(address)}`;
    // In this order everywhere: two tries never wait for each other.
    await this.#count([nameKey, OF_NAME], [addressKey, OF_ADDRESS]);
    return async (tx) => {
      await forget(tx, nameKey);
      await tx.query('UPDATE attempt SET failures = failures - 1 WHERE attempt_key = $1 AND failures > 0', [
        addressKey,
      ]);
    };
  }

  /** The same for a code, after the right password. */
  async beginCode(personId: string): Promise<TakeBack> {
    const key = `code ${personId}`;
    await this.#count([key, OF_CODE]);
    return (tx) => forget(tx, key);
  }

  async #count(...keys: readonly (readonly [key: string, patience: Patience])[]): Promise<void> {
    const now = this.#nowMs();
    const waitMs = await this.#db.transaction(async (tx) => {
      let longestMs = 0;
      for (const [key, patience] of keys)
        longestMs = Math.max(longestMs, await leftMs(tx, key, patience, now));
      if (longestMs > 0) return longestMs;
      for (const [key] of keys)
        await tx.query('UPDATE attempt SET failures = failures + 1, last_ms = $1 WHERE attempt_key = $2', [
          now,
          key,
        ]);
      return 0;
    });
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1000);
    throw new PeopleError('wait', `Too many wrong answers. Try again in ${seconds} s.`, waitMs);
  }

  async forget(): Promise<void> {
    await this.#db.query('DELETE FROM attempt WHERE last_ms < $1', [this.#nowMs() - FORGET_MS]);
    await this.#db.query(
      `DELETE FROM attempt WHERE attempt_key IN (SELECT attempt_key FROM attempt ORDER BY last_ms DESC LIMIT 1000000 OFFSET ${MAX_ROWS})`,
    );
  }
}

async function forget(tx: Queries, key: string): Promise<void> {
  await tx.query('DELETE FROM attempt WHERE attempt_key = $1', [key]);
}

/** Holds the row until the transaction ends, on both databases. */
async function leftMs(tx: Queries, key: string, patience: Patience, now: number): Promise<number> {
  const [row] = await tx.query<{ failures: bigint; last_ms: bigint }>(
    `INSERT INTO attempt (attempt_key, failures, last_ms) VALUES ($1, 0, $2) ON CONFLICT (attempt_key)
      DO UPDATE SET failures = CASE WHEN attempt.last_ms < $3 THEN 0 ELSE attempt.failures END
      RETURNING failures, last_ms`,
    [key, now, now - FORGET_MS],
  );
  const delayMs = delayAfter(Number(row!.failures), patience);
  // A clock that was set back makes nobody wait longer.
  return Math.min(delayMs, Number(row!.last_ms) + delayMs - now);
}

function delayAfter(failures: number, { free, maxMs }: Patience): number {
  return failures < free ? 0 : Math.min(maxMs, FIRST_MS * 2 ** Math.min(failures - free, 30));
}

/** Of IPv6 the /64: whoever has one address has all of those. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail = ''] = address.split('::');
  const [before, after] = [head, tail].map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(Math.max(0, 8 - before!.length - after!.length)).fill('0');
  return [...before!, ...zeros, ...after!].slice(0, 4).join(':');
}
