import type { Queries } from '../db/index.js';
import { withGiven } from './given.js';

const MAX_CAUSES = 256;
const CAUSE = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/;

/** What is no cause, or one too many, is counted as `other`. */
export async function addRefusals(db: Queries, counts: Readonly<Record<string, number>>): Promise<void> {
  const known = new Set(Object.keys(await refusals(db)));
  const sums = new Map<string, bigint>();
  for (const [cause, count] of Object.entries(counts)) {
    const hasRoom = known.has(cause) || known.size < MAX_CAUSES;
    const name = CAUSE.test(cause) && hasRoom ? cause : 'other';
    known.add(name);
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(Math.round(count)));
  }
  await withGiven(
    db,
    { cause: 'TEXT', count: 'BIGINT' },
    // In one order everywhere: two processes never wait for each other.
    [...sums].sort().map(([cause, count]) => ({ cause, count })),
    (given) => `INSERT INTO refusal (cause, count) SELECT cause, count FROM ${given} WHERE true
      ON CONFLICT (cause) DO UPDATE SET count = refusal.count + excluded.count`,
  );
}

export async function refusals(db: Queries): Promise<Readonly<Record<string, bigint>>> {
  const rows = await db.query<{ cause: string; count: bigint }>(
    'SELECT cause, count FROM refusal ORDER BY cause',
  );
  return Object.fromEntries(rows.map(({ cause, count }) => [cause, count]));
}
