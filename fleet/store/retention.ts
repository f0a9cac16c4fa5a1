import type { Database, Queries, SqlRow } from '../db/index.js';
import { believedDay } from './believed-day.js';
import type { DayTable } from './days.js';
import { lockNodes } from './facts.js';
import { withGiven } from './given.js';
import { type BlockRow, eachTable, withinOf } from './repair-rows.js';
import { dropDays, KIND } from './retention-days.js';
import { DAY_NS } from './row-times.js';
import type { Retention, RetentionKind } from './types.js';

/** Streams that one step looks at, blocks and rows that it takes away. */
const MAX_STREAMS = 256;
const MAX_BLOCKS = 1_000;
const MAX_ROWS = 8_192;
/** Blocks that are read at once. */
const PAGE = 64;
/** Rows before this time go: the begin of a day, so that they go by days. */
export type Cutoffs = ReadonlyMap<string, bigint>;

interface Head extends SqlRow {
  readonly id: bigint;
  readonly node: string;
  readonly kind: RetentionKind;
  readonly wall_last_ns: bigint | null;
  readonly received_ms: bigint | null;
}

interface OldBlock extends BlockRow {
  readonly received_ms: bigint;
}

/** Takes away what is too old, from each stream's first numbers on, and writes down what it took: received stays received. */
export class Forgetting {
  /** Streams up to here are done in this pass. */
  #after = 0n;

  constructor(private readonly db: Database) {}

  /** One step. True while there is more to do. Rejects at the end of a pass in which the fleet's clock wasn't believed. */
  async step(retention: Retention, nowMs: number): Promise<boolean> {
    const { day, doubt } = await believedDay(this.db, nowMs);
    const cutoffs = cutoffsOf(retention, day);
    if (cutoffs.size === 0) return false;
    if (this.#after === 0n) await dropDays(this.db, cutoffs);
    const heads = await headsOf(this.db, this.#after);
    const old = heads.filter((head) => head.received_ms !== null && isOld(head, cutoffs.get(head.kind)));
    const done = old.length === 0 ? undefined : await this.db.transaction((tx) => forget(tx, old, cutoffs));
    const isLast = heads.length < MAX_STREAMS && done === undefined;
    this.#after = isLast ? 0n : (done ?? heads.at(-1)!.id);
    if (isLast && doubt) throw new Error(doubt);
    return !isLast;
  }
}

function cutoffsOf(retention: Retention, today: bigint): Cutoffs {
  return new Map(
    Object.entries(retention).flatMap(([kind, days]) =>
      days === undefined ? [] : [[kind, (today - BigInt(days)) * DAY_NS]],
    ),
  );
}

/** By its newest row; without a time by when it came. */
function isOld(
  { wall_last_ns, received_ms }: Pick<OldBlock, 'wall_last_ns'> & { readonly received_ms: bigint | null },
  cutoffNs: bigint | undefined,
): boolean {
  return cutoffNs !== undefined && (wall_last_ns ?? (received_ms ?? 0n) * 1_000_000n) < cutoffNs;
}

/** The next streams, each with its first block. */
function headsOf(db: Queries, after: bigint): Promise<readonly Head[]> {
  return db.query<Head>(
    `SELECT stream.id, epoch.node, ${KIND} AS kind, block.wall_last_ns, block.received_ms
      FROM stream JOIN epoch ON epoch.id = stream.epoch_id
      LEFT JOIN block ON block.stream_id = stream.id
        AND block.first = (SELECT min(first) FROM block AS one WHERE one.stream_id = stream.id)
      WHERE stream.id > $1 ORDER BY stream.id LIMIT ${MAX_STREAMS}`,
    [after],
  );
}

/** The old blocks at the begin of these streams, as many as fit. The stream before the one that has more; undefined: none has. */
async function forget(tx: Queries, heads: readonly Head[], cutoffs: Cutoffs): Promise<bigint | undefined> {
  await lockNodes(tx, [...new Set(heads.map(({ node }) => node))]);
  const blocks: OldBlock[] = [];
  let rows = 0n;
  let before: bigint | undefined;
  for (const { id, kind } of heads) {
    for await (const block of blocksOf(tx, id)) {
      if (!isOld(block, cutoffs.get(kind))) break;
      const isFull = blocks.length >= MAX_BLOCKS || (rows > 0n && rows + block.count > MAX_ROWS);
      if (isFull) before = id - 1n;
      if (isFull) break;
      blocks.push(block);
      rows += block.count;
    }
    if (before !== undefined) break;
  }
  await takeAway(tx, blocks);
  await note(tx, blocks);
  return before;
}

/** In the order of their numbers. */
async function* blocksOf(tx: Queries, streamId: bigint): AsyncIterable<OldBlock> {
  let after = -1n;
  for (;;) {
    const page = await tx.query<OldBlock>(
      `SELECT block.stream_id, stream.is_log, block.first, block.count, block.first_ns, block.last_ns, block.wall_first_ns,
          block.wall_last_ns, block.uncertainty_ns, block.received_ms
        FROM block JOIN stream ON stream.id = block.stream_id
        WHERE block.stream_id = $1 AND block.first > $2 ORDER BY block.first LIMIT ${PAGE}`,
      [streamId, after],
    );
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)!.first;
  }
}

async function takeAway(tx: Queries, blocks: readonly OldBlock[]): Promise<void> {
  await eachTable(blocks, (table, those, isTimed) => deleteRows(tx, table, those, isTimed));
  await withGiven(
    tx,
    { stream_id: 'BIGINT', first: 'BIGINT' },
    blocks.map(({ stream_id, first }) => ({ stream_id, first })),
    (given) =>
      `DELETE FROM block WHERE (stream_id, first) IN (SELECT given.stream_id, given.first FROM ${given})`,
  );
}

async function deleteRows(
  tx: Queries,
  table: DayTable,
  blocks: readonly OldBlock[],
  isTimed: boolean,
): Promise<void> {
  const ofBlock = `${table}.stream_id = given.stream_id AND ${table}.seq BETWEEN given.first AND given.last`;
  const which = isTimed
    ? `${ofBlock} AND ${table}.wall_ns BETWEEN given.from_ns AND given.to_ns AND ${withinOf(table, blocks)}`
    : `${ofBlock} AND ${table}.wall_ns IS NULL`;
  await withGiven(
    tx,
    { stream_id: 'BIGINT', first: 'BIGINT', last: 'BIGINT', from_ns: 'BIGINT', to_ns: 'BIGINT' },
    blocks.map(({ stream_id, first, count, wall_first_ns, wall_last_ns }) => ({
      ...{ stream_id, first, last: first + count - 1n, from_ns: wall_first_ns, to_ns: wall_last_ns },
    })),
    (given) =>
      tx.dialect === 'postgres'
        ? `DELETE FROM ${table} USING ${given} WHERE ${which}`
        : `DELETE FROM ${table} WHERE rowid IN (SELECT ${table}.rowid FROM ${given} JOIN ${table} ON ${which})`,
  );
}

/** What is gone: how many rows, below which number, between which times. */
async function note(tx: Queries, blocks: readonly OldBlock[]): Promise<void> {
  const sums = new Map<bigint, Removed>();
  for (const { stream_id, first, count, wall_first_ns, wall_last_ns } of blocks) {
    const sum = sums.get(stream_id) ?? { stream_id, rows: 0n, below: 0n, from_ns: null, to_ns: null };
    sums.set(stream_id, {
      ...{ stream_id, rows: sum.rows + count, below: first + count },
      from_ns: least(sum.from_ns, wall_first_ns),
      to_ns: most(sum.to_ns, wall_last_ns),
    });
  }
  await withGiven(
    tx,
    { stream_id: 'BIGINT', rows: 'BIGINT', below: 'BIGINT', from_ns: 'BIGINT', to_ns: 'BIGINT' },
    [...sums.values()],
    (given) => `UPDATE stream SET removed_rows = removed_rows + given.rows,
        removed_to = CASE WHEN given.below > removed_to THEN given.below ELSE removed_to END,
        removed_from_ns = CASE WHEN given.from_ns > removed_from_ns THEN removed_from_ns
          ELSE COALESCE(given.from_ns, removed_from_ns) END,
        removed_to_ns = CASE WHEN given.to_ns < removed_to_ns THEN removed_to_ns
          ELSE COALESCE(given.to_ns, removed_to_ns) END
      FROM ${given} WHERE stream.id = given.stream_id`,
  );
}

interface Removed {
  readonly stream_id: bigint;
  readonly rows: bigint;
  readonly below: bigint;
  readonly from_ns: bigint | null;
  readonly to_ns: bigint | null;
}

function least(one: bigint | null, other: bigint | null): bigint | null {
  return one === null || (other !== null && other < one) ? other : one;
}

function most(one: bigint | null, other: bigint | null): bigint | null {
  return one === null || (other !== null && other > one) ? other : one;
}
