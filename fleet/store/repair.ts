import type { Queries, SqlRow } from '../db/index.js';
import type { Days } from './days.js';
import { withGiven } from './given.js';
import { type BlockRow, moveRows, type RowMove, readRows } from './repair-rows.js';
import { dayOf, type RowTimes, readTimes, type WallTime } from './row-times.js';

/** Looked at in one transaction. */
const MAX_BLOCKS = 1_000;
/** Moved in one transaction, but for a block that has more. */
const MAX_ROWS = 8_192;
/** Rows stay where they are for less than this, ns. */
const LEAST_SHIFT_NS = 1_000_000n;
/** An uncertainty that halves counts from so much on, ns. */
const LEAST_GAIN_NS = 10_000_000n;

/** What an anchor of a boot may have changed, and how far the repair has come. */
interface Repair extends SqlRow {
  readonly epoch_id: bigint;
  readonly node: string;
  readonly boot: bigint;
  readonly from_ns: bigint;
  readonly to_ns: bigint;
  readonly after_stream: bigint;
  readonly after_ns: bigint | null;
  readonly after_first: bigint;
}

/** A block whose times are others than they were, at its ends. */
interface Move {
  readonly block: BlockRow;
  readonly ends: readonly WallTime[];
  /** Its rows move; else it is only surer of where they are. */
  readonly moves: boolean;
}

export interface Repaired {
  readonly isMore: boolean;
  /** Whose rows have other times now, or surer ones. */
  readonly moved?: string;
}

/** One step; it stands in the queue how far it came, so the next one goes on from there, also after a restart. */
export async function repairSome(tx: Queries, nowMs: number, days: Days): Promise<Repaired> {
  const repair = await nextRepair(tx);
  if (!repair) return { isMore: false };
  const times = (await readTimes(tx, [repair.epoch_id])).get(repair.epoch_id)!;
  const blocks = await nextBlocks(tx, repair);
  const seen: BlockRow[] = [];
  const moves: Move[] = [];
  let rows = 0n;
  for (const block of blocks) {
    const move = moveOf(block, Number(repair.boot), times, nowMs);
    if (move?.moves && rows > 0n && rows + block.count > MAX_ROWS) break;
    seen.push(block);
    if (move) moves.push(move);
    if (move?.moves) rows += block.count;
  }
  const far = moves.filter(({ moves: isFar }) => isFar).map(({ block }) => block);
  const read = await readRows(tx, far, (ns) => times.at(Number(repair.boot), ns, nowMs));
  // A block goes with all its rows, or not at all.
  const moved = new Map([...read].filter(([, all]) => all.every(({ time }) => time)));
  days.must(daysOf(moved));
  await moveRows(tx, moved);
  await noteBlocks(
    tx,
    moves.filter((move) => !move.moves || moved.has(move.block)).map((move) => placeOf(move, moved)),
  );
  await noteNode(tx, repair.node);
  await noteProgress(tx, repair, seen.at(-1), seen.length < MAX_BLOCKS && seen.length === blocks.length);
  const isMore = (await tx.query('SELECT 1 AS more FROM repair LIMIT 1')).length > 0;
  return { isMore, ...(moves.length > 0 && { moved: repair.node }) };
}

/** With its node locked, as `take` locks it before it touches the queue. */
async function nextRepair(tx: Queries): Promise<Repair | undefined> {
  const [next] = await tx.query<{ node: string }>(
    'SELECT epoch.node FROM repair JOIN epoch ON epoch.id = repair.epoch_id ORDER BY repair.epoch_id LIMIT 1',
  );
  if (!next) return undefined;
  if (tx.dialect === 'postgres')
    await tx.query('SELECT node FROM node WHERE node = $1 FOR UPDATE', [next.node]);
  const [repair] = await tx.query<Repair>(
    `SELECT repair.*, epoch.node FROM repair JOIN epoch ON epoch.id = repair.epoch_id WHERE epoch.node = $1
      ORDER BY repair.epoch_id, repair.boot, repair.from_ns LIMIT 1`,
    [next.node],
  );
  return repair;
}

/** By stream and time, after those that were seen. */
async function nextBlocks(tx: Queries, repair: Repair): Promise<readonly BlockRow[]> {
  const { epoch_id, boot, from_ns, to_ns, after_stream } = repair;
  const streams = await tx.query<{ id: bigint }>(
    'SELECT id FROM stream WHERE epoch_id = $1 AND id >= $2 AND received > 0 ORDER BY id',
    [epoch_id, after_stream],
  );
  const blocks: BlockRow[] = [];
  for (const { id } of streams) {
    if (blocks.length >= MAX_BLOCKS) break;
    const goesOn = id === after_stream && repair.after_ns !== null;
    const afterNs = goesOn ? repair.after_ns! : await beginOf(tx, id, boot, from_ns);
    const found = await tx.query<BlockRow>(
      `SELECT block.stream_id, stream.is_log, block.first, block.count, block.first_ns, block.last_ns, block.wall_first_ns,
          block.wall_last_ns, block.uncertainty_ns
        FROM block JOIN stream ON stream.id = block.stream_id
        WHERE block.stream_id = $1 AND block.boot = $2 AND block.first_ns <= $3 AND (block.first_ns, block.first) > ($4, $5)
        ORDER BY block.first_ns, block.first LIMIT $6`,
      [id, boot, to_ns, afterNs, goesOn ? repair.after_first : -1n, BigInt(MAX_BLOCKS - blocks.length)],
    );
    for (const block of found) blocks.push(block);
  }
  return blocks;
}

/** Where the block begins in which the range does. */
async function beginOf(tx: Queries, streamId: bigint, boot: bigint, fromNs: bigint): Promise<bigint> {
  const [row] = await tx.query<{ begin: bigint | null }>(
    'SELECT max(first_ns) AS begin FROM block WHERE stream_id = $1 AND boot = $2 AND first_ns <= $3',
    [streamId, boot, fromNs],
  );
  return row?.begin ?? fromNs;
}

/** Undefined: its times are as good as they were. */
function moveOf(block: BlockRow, boot: number, times: RowTimes, nowMs: number): Move | undefined {
  const [first, last] = [times.at(boot, block.first_ns, nowMs), times.at(boot, block.last_ns, nowMs)];
  if (!first || !last) return undefined;
  const { wall_first_ns, wall_last_ns, uncertainty_ns } = block;
  const ends = [first, last];
  if (wall_first_ns === null || wall_last_ns === null) return { block, ends, moves: true };
  const shiftNs = [away(first.wallNs, wall_first_ns), away(last.wallNs, wall_last_ns)].reduce((a, b) =>
    a > b ? a : b,
  );
  const oldNs = uncertainty_ns ?? 0n;
  const isSurer = ends.some((end) => {
    const gainNs = oldNs - end.uncertaintyNs;
    return gainNs >= LEAST_GAIN_NS && gainNs >= end.uncertaintyNs;
  });
  if (!isSurer && shiftNs <= oldNs) return undefined;
  return { block, ends, moves: shiftNs >= LEAST_SHIFT_NS };
}

function away(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

function daysOf(moved: ReadonlyMap<BlockRow, readonly RowMove[]>): ReadonlySet<number> {
  return new Set([...moved.values()].flatMap((rows) => rows.map(({ time }) => dayOf(time!.wallNs))));
}

/** Between which times the rows of a block are, and how unsure the least sure: where a clock was set back amid it, its ends don't say. */
function placeOf({ block, ends, moves }: Move, moved: ReadonlyMap<BlockRow, readonly RowMove[]>) {
  const rows = moved.get(block) ?? [];
  const times = rows.length === 0 ? ends : rows.map(({ time }) => time!);
  const uncertaintyNs = times.map((time) => time.uncertaintyNs).reduce((a, b) => (a > b ? a : b));
  const { stream_id, first, wall_first_ns, wall_last_ns } = block;
  if (!moves) return { stream_id, first, uncertainty_ns: uncertaintyNs, wall_first_ns, wall_last_ns };
  const walls = times.map(({ wallNs }) => wallNs);
  return {
    ...{ stream_id, first, uncertainty_ns: uncertaintyNs },
    wall_first_ns: walls.reduce((a, b) => (a < b ? a : b)),
    wall_last_ns: walls.reduce((a, b) => (a > b ? a : b)),
  };
}

async function noteBlocks(tx: Queries, places: readonly ReturnType<typeof placeOf>[]): Promise<void> {
  await withGiven(
    tx,
    {
      ...{ stream_id: 'BIGINT', first: 'BIGINT', uncertainty_ns: 'BIGINT' },
      ...{ wall_first_ns: 'BIGINT', wall_last_ns: 'BIGINT' },
    },
    places,
    (given) => `UPDATE block SET wall_first_ns = given.wall_first_ns, wall_last_ns = given.wall_last_ns,
        uncertainty_ns = given.uncertainty_ns
      FROM ${given} WHERE block.stream_id = given.stream_id AND block.first = given.first`,
  );
}

async function noteNode(tx: Queries, node: string): Promise<void> {
  await tx.query(
    `UPDATE node SET latest_ns = (SELECT max(stream.latest_ns) FROM epoch JOIN stream ON stream.epoch_id = epoch.id
      WHERE epoch.node = $1) WHERE node = $1`,
    [node],
  );
}

async function noteProgress(
  tx: Queries,
  { epoch_id, boot, from_ns }: Repair,
  last: BlockRow | undefined,
  isDone: boolean,
): Promise<void> {
  const key = [epoch_id, boot, from_ns];
  if (isDone || !last)
    await tx.query('DELETE FROM repair WHERE epoch_id = $1 AND boot = $2 AND from_ns = $3', key);
  else
    await tx.query(
      'UPDATE repair SET after_stream = $4, after_ns = $5, after_first = $6 WHERE epoch_id = $1 AND boot = $2 AND from_ns = $3',
      [...key, last.stream_id, last.first_ns, last.first],
    );
}
