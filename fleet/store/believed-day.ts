import type { Queries } from '../db/index.js';
import { dayOf } from './row-times.js';

const DAY_MS = 86_400_000;

/** So far the fleet's clock is believed beyond the newest row of any node: one that was set years ahead by mistake takes away no more than these days too many. */
const BELIEVED_DAYS = 7n;

/**
 * The day, as far as the nodes bear it out. Trackers and packs don't: their rows may have the fleet's own time. A doubt where nodes are heard, and it isn't
 * that they were silent.
 */
export async function believedDay(
  db: Queries,
  nowMs: number,
): Promise<{ readonly day: bigint; readonly doubt?: string }> {
  const today = BigInt(dayOf(BigInt(nowMs) * 1_000_000n));
  const [row] = await db.query<{ latest_ns: bigint | null; heard_ms: bigint | null }>(
    `SELECT max(latest_ns) AS latest_ns, max(heard_ms) AS heard_ms FROM node WHERE node NOT LIKE '%:%'`,
  );
  if (row?.latest_ns == null) return { day: today };
  const latest = BigInt(dayOf(row.latest_ns));
  const day = latest + BELIEVED_DAYS;
  if (today <= day) return { day: today };
  if (BigInt(dayOf((row.heard_ms ?? 0n) * 1_000_000n)) + 1n < today) return { day };
  const doubt =
    `nodes are heard, and the newest time of their rows is ${today - latest} days ago: either this machine's clock is ahead, or no node has ` +
    `known the time since. Rows are as old as if it were ${BELIEVED_DAYS} days after that: set the clock right, here or there`;
  return { day, doubt };
}

/** The time, as far as the nodes bear it out: for what is forgotten once it is old. */
export async function believedMs(db: Queries, nowMs: number): Promise<number> {
  const { day } = await believedDay(db, nowMs);
  return Math.min(nowMs, (Number(day) + 1) * DAY_MS);
}
