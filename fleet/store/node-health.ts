import * as v from 'valibot';
import type { Queries } from '../db/index.js';
import { clean } from './given.js';

/** In characters, with room for what later versions say. */
const TEXT = 256;
const NAME = 64;
const MAX_CAUSES = 8;
const MAX_PARTS = 256;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max), v.regex(/^[^\p{Cc}\p{Cs}]*$/u));
const word = v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z.]{0,31}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const partId = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/));

const Cause = v.object({
  rule: word,
  about: text(NAME),
  what: text(TEXT),
  sinceS: v.optional(count),
  todo: v.optional(text(TEXT)),
});

/** What a node says of itself in its status (docs/wire-format.md, 6): bounded, since anybody may write there who has a node's key. */
export const NodeHealth = v.object({
  causes: v.pipe(v.array(Cause), v.maxLength(MAX_CAUSES)),
  causeCount: count,
  parts: v.pipe(v.record(partId, word), v.maxEntries(MAX_PARTS)),
  partCount: count,
  machine: v.optional(
    v.object({
      uptimeS: v.optional(count),
      temperatureC: v.optional(v.pipe(v.number(), v.minValue(-273.15), v.maxValue(1_000))),
      memoryAvailableBytes: v.optional(count),
    }),
  ),
  store: v.optional(
    v.object({
      state: word,
      waitingRows: v.optional(count),
      backlogBlocks: v.optional(count),
      backlogBytes: v.optional(count),
      diskBytes: v.optional(count),
      diskFreeBytes: v.optional(count),
    }),
  ),
  flash: v.optional(v.object({ bytesPerDay: v.optional(count), daysLeft: v.optional(count) })),
  uplink: v.optional(
    v.object({
      connects: v.optional(count),
      waitingBlocks: v.optional(count),
      link: v.optional(text(NAME)),
      budgetLeftBytes: v.optional(v.pipe(v.number(), v.safeInteger())),
    }),
  ),
  clock: v.optional(v.object({ state: word, uncertaintyMs: v.optional(count) })),
  config: v.optional(
    v.object({
      state: word,
      sha256: v.pipe(v.string(), v.hexadecimal(), v.maxLength(64)),
      minutesLeft: v.optional(count),
    }),
  ),
  lastEnd: v.optional(text(NAME)),
});
export type NodeHealth = v.InferOutput<typeof NodeHealth>;

/** The last that it said, and when that came, ms since 1970. */
export interface HeardHealth extends NodeHealth {
  readonly atMs: number;
}

/** A broker gives what it retains to whoever subscribes anew: what is the same to its seconds since the boot came before. */
export async function keepHealth(tx: Queries, node: string, { atMs, ...health }: HeardHealth): Promise<void> {
  await tx.query(
    `INSERT INTO node_health (node, at_ms, said, cause)
      SELECT node, CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS TEXT) FROM node WHERE node = $1
      ON CONFLICT (node) DO UPDATE SET at_ms = excluded.at_ms, said = excluded.said, cause = excluded.cause
      WHERE node_health.said <> excluded.said`,
    [clean(node), BigInt(atMs), JSON.stringify(health), health.causes[0]?.rule ?? null],
  );
}

export async function healthOf(db: Queries, node: string): Promise<HeardHealth | undefined> {
  const [row] = await db.query<{ at_ms: bigint; said: string }>(
    'SELECT at_ms, said FROM node_health WHERE node = $1',
    [node],
  );
  return row && { ...(JSON.parse(row.said) as NodeHealth), atMs: Number(row.at_ms) };
}
