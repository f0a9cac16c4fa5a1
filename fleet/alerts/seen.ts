import type { Queries } from '../db/index.js';
import type { Taken } from '../store/types.js';
import { placeholders } from './rows.js';

interface Seen {
  readonly node: string;
  readonly stream: string;
  newestNs: bigint | null;
}

const CHUNK = 500;

/** Keeps when each stream was heard, and the time of its newest row. A double is a word too. */
export async function markSeen(tx: Queries, taken: readonly Taken[], nowMs: number): Promise<void> {
  const seen = new Map<string, Seen>();
  for (const { incoming, stream, readings, verdict } of taken) {
    // Names of packs are as the store wrote them, never as they came.
    const { node, stream: name } = stream ?? (incoming.kind === 'block' ? incoming.header : {});
    if (verdict === 'refused' || node === undefined || name === undefined) continue;
    const key = JSON.stringify([node, name]);
    const entry = seen.get(key) ?? { node, stream: name, newestNs: null };
    for (const { wallNs } of readings)
      if (wallNs !== undefined && (entry.newestNs === null || wallNs > entry.newestNs))
        entry.newestNs = wallNs;
    seen.set(key, entry);
  }
  await write(tx, [...seen.values()], nowMs);
}

/** A word of a node that is no row: its status. */
export async function markHeard(on: Queries, node: string, nowMs: number): Promise<void> {
  await write(on, [{ node, stream: '', newestNs: null }], nowMs);
}

async function write(on: Queries, seen: readonly Seen[], nowMs: number): Promise<void> {
  // In one order everywhere: two processes that write the same rows wait for each other, and never both.
  const sorted = [...seen].sort((a, b) =>
    a.node === b.node ? order(a.stream, b.stream) : order(a.node, b.node),
  );
  for (let at = 0; at < sorted.length; at += CHUNK) {
    const some = sorted.slice(at, at + CHUNK);
    await on.query(
      `INSERT INTO seen AS s (node, stream, heard_ms, newest_ns) VALUES ${placeholders(some.length, 4)}
       ON CONFLICT (node, stream) DO UPDATE SET
         heard_ms = CASE WHEN excluded.heard_ms > s.heard_ms THEN excluded.heard_ms ELSE s.heard_ms END,
         newest_ns = CASE WHEN s.newest_ns IS NULL OR excluded.newest_ns > s.newest_ns THEN excluded.newest_ns
           ELSE s.newest_ns END`,
      some.flatMap(({ node, stream, newestNs }) => [node, stream, BigInt(nowMs), newestNs]),
    );
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
