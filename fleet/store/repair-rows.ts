import type { Queries, SqlRow } from '../db/index.js';
import { DAY_TABLES, type DayTable } from './days.js';
import { withGiven } from './given.js';
import type { WallTime } from './row-times.js';

export interface BlockRow extends SqlRow {
  readonly stream_id: bigint;
  readonly is_log: bigint | null;
  readonly first: bigint;
  readonly count: bigint;
  readonly first_ns: bigint;
  readonly last_ns: bigint;
  readonly wall_first_ns: bigint | null;
  readonly wall_last_ns: bigint | null;
  readonly uncertainty_ns: bigint | null;
}

/** A block whose times are others than they were. */
export interface Move {
  readonly block: BlockRow;
  readonly first: WallTime;
  readonly last: WallTime;
  readonly uncertaintyNs: bigint;
  /** Its rows move; else it is only surer of where they are. */
  readonly moves: boolean;
}

/** Gives the rows of blocks the times that `at` says; on PostgreSQL a row goes to its day by itself. */
export async function moveRows(
  tx: Queries,
  moves: readonly Move[],
  at: (monoNs: bigint) => WallTime | undefined,
): Promise<void> {
  const blocks = moves.map(({ block }) => block);
  await eachTable(blocks, (table, those, isTimed) => moveIn(tx, table, those, isTimed, at));
}

/** The blocks by where their rows are, and by whether these have times. */
export async function eachTable<Block extends BlockRow>(
  blocks: readonly Block[],
  work: (table: DayTable, those: readonly Block[], isTimed: boolean) => Promise<void>,
): Promise<void> {
  for (const table of DAY_TABLES)
    for (const isTimed of [true, false]) {
      const those = blocks.filter(
        ({ is_log, wall_first_ns }) =>
          (is_log === 1n) === (table === 'log_line') && (wall_first_ns !== null) === isTimed,
      );
      await work(table, those, isTimed);
    }
}

interface RowAt extends SqlRow {
  readonly stream_id: bigint;
  readonly seq: bigint;
  readonly mono_ns: bigint;
  readonly wall_ns: bigint | null;
}

async function moveIn(
  tx: Queries,
  table: DayTable,
  blocks: readonly BlockRow[],
  isTimed: boolean,
  at: (monoNs: bigint) => WallTime | undefined,
): Promise<void> {
  const where = isTimed ? withinOf(table, blocks) : `${table}.wall_ns IS NULL`;
  const rows = await withGiven<RowAt>(
    tx,
    { stream_id: 'BIGINT', first: 'BIGINT', last: 'BIGINT', from_ns: 'BIGINT', to_ns: 'BIGINT' },
    blocks.map(({ stream_id, first, count, wall_first_ns, wall_last_ns }) => ({
      ...{ stream_id, first, last: first + count - 1n, from_ns: wall_first_ns, to_ns: wall_last_ns },
    })),
    (given) => `SELECT ${table}.stream_id, ${table}.seq, ${table}.mono_ns, ${table}.wall_ns FROM ${given}
      JOIN ${table} ON ${table}.stream_id = given.stream_id AND ${table}.seq BETWEEN given.first AND given.last
      WHERE ${where}${isTimed ? ` AND ${table}.wall_ns BETWEEN given.from_ns AND given.to_ns` : ''}`,
  );
  const moved = rows.flatMap(({ stream_id, seq, mono_ns, wall_ns }) => {
    const time = at(mono_ns);
    return time ? [{ stream_id, seq, old_ns: wall_ns, new_ns: time.wallNs }] : [];
  });
  const shape = { stream_id: 'BIGINT', seq: 'BIGINT', old_ns: 'BIGINT', new_ns: 'BIGINT' } as const;
  await withGiven(
    tx,
    shape,
    moved,
    (
      given,
    ) => `UPDATE ${table} SET wall_ns = given.new_ns${table === 'log_line' ? ', at_ns = given.new_ns' : ''} FROM ${given}
      WHERE ${table}.stream_id = given.stream_id AND ${table}.seq = given.seq AND ${where}
        ${isTimed ? `AND ${table}.wall_ns = given.old_ns` : ''}`,
  );
  await withGiven(
    tx,
    shape,
    moved,
    (given) => `UPDATE stream SET latest_ns = given.new_ns FROM ${given}
      WHERE stream.id = given.stream_id AND stream.latest_seq = given.seq`,
  );
}

/** In numbers, so that PostgreSQL looks only into the days that they are of. */
export function withinOf(table: DayTable, blocks: readonly BlockRow[]): string {
  let [from, to] = [blocks[0]?.wall_first_ns ?? 0n, blocks[0]?.wall_last_ns ?? 0n];
  for (const { wall_first_ns, wall_last_ns } of blocks) {
    if (wall_first_ns !== null && wall_first_ns < from) from = wall_first_ns;
    if (wall_last_ns !== null && wall_last_ns > to) to = wall_last_ns;
  }
  return [table === 'log_line' ? 'at_ns' : 'wall_ns', 'wall_ns']
    .map((column) => `${table}.${column} BETWEEN ${from} AND ${to}`)
    .join(' AND ');
}
