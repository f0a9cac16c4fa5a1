import type { Database } from '../db/index.js';

/** Ticks are closer than this; a longer break is a time in which nobody was heard. */
const BREAK_MS = 60_000;

/** Since when the fleet has been listening: what it doesn't hear while it is off, or its database or broker away, is nobody's silence. */
export interface Listening {
  /** Without a break, ms; 0: not now. */
  readonly forMs: number;
  /** Of the time since then, ms. */
  since(fromMs: number): number;
}

/** Notes that it listens now, if it does. Any process of the fleet does so for all. */
export async function listening(db: Database, nowMs: number, isHearing: boolean): Promise<Listening> {
  if (isHearing) await note(db, nowMs);
  const rows = await db.query<{ from_ms: bigint; until_ms: bigint }>(
    'SELECT from_ms, until_ms FROM listened ORDER BY from_ms',
  );
  const times = rows.map((row) => [Number(row.from_ms), Number(row.until_ms)] as const);
  const now = isHearing ? times.find(([from, until]) => from <= nowMs && nowMs <= until) : undefined;
  return {
    forMs: now ? nowMs - now[0] : 0,
    since(fromMs) {
      let [sum, done] = [0, fromMs];
      for (const [from, until] of times) {
        const begin = Math.max(from, done);
        done = Math.max(done, Math.min(until, nowMs));
        sum += Math.max(0, done - begin);
      }
      return sum;
    },
  };
}

async function note(db: Database, nowMs: number): Promise<void> {
  const now = BigInt(nowMs);
  const goesOn = await db.query(
    'UPDATE listened SET until_ms = $1 WHERE until_ms BETWEEN $2 AND $1 RETURNING from_ms',
    [now, now - BigInt(BREAK_MS)],
  );
  if (goesOn.length > 0) return;
  await db.query(
    'INSERT INTO listened (from_ms, until_ms) VALUES ($1, $1) ON CONFLICT (from_ms) DO NOTHING',
    [now],
  );
}
