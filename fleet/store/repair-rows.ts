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

/** A row: where it is, and when it was taken. */
export interface RowMove {
  readonly seq: bigint;
  readonly old_ns: bigint | null;
  readonly time: WallTime | undefined;
}

/** The rows of blocks, with the times that `at` says. */
export async function readRows(
  tx: Queries,
  blocks: readonly BlockRow[],
  at: (monoNs: bigint) => WallTime | undefined,
): Promise<ReadonlyMap<BlockRow, readonly RowMove[]>> {
  const keyOf = (streamId: bigint, first: bigint) => `${streamId}/${first}`;
  const found = new Map(blocks.map(({ stream_id, first }) => [keyOf(stream_id, first), [] as RowMove[]]));
  await eachTable(blocks, async (table, those, isTimed) => {
    for (const { stream_id, first, seq, mono_ns, wall_ns } of await rowsOf(tx, table, those, isTimed))
      found.get(keyOf(stream_id, first))!.push({ seq, old_ns: wall_ns, time: at(mono_ns) });
  });
  return new Map(blocks.map((block) => [block, found.get(keyOf(block.stream_id, block.first))!]));
}

/** Gives rows their times; on PostgreSQL a row goes to its day by itself. */
export async function moveRows(tx: Queries, rows: ReadonlyMap<BlockRow, readonly RowMove[]>): Promise<void> {
  await eachTable([...rows.keys()], async (table, blocks, isTimed) => {
    const moved = blocks.flatMap((block) =>
      rows.get(block)!.map(({ seq, old_ns, time }) => ({
        ...{ stream_id: block.stream_id, seq, old_ns, new_ns: time?.wallNs },
      })),
    );
    await moveIn(tx, table, moved, isTimed, whereOf(table, blocks, isTimed));
  });
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
  /** Of its block. */
  readonly first: bigint;
  readonly seq: bigint;
  readonly mono_ns: bigint;
  readonly wall_ns: bigint | null;
}

function rowsOf(
  tx: Queries,
  table: DayTable,
  blocks: readonly BlockRow[],
  isTimed: boolean,
): Promise<readonly RowAt[]> {
  return withGiven<RowAt>(
    tx,
    { stream_id: 'BIGINT', first: 'BIGINT', last: 'BIGINT', from_ns: 'BIGINT', to_ns: 'BIGINT' },
    blocks.map(({ stream_id, first, count, wall_first_ns, wall_last_ns }) => ({
      ...{ stream_id, first, last: first + count - 1n, from_ns: wall_first_ns, to_ns: wall_last_ns },
    })),
    (
      given,
    ) => `SELECT ${table}.stream_id, given.first, ${table}.seq, ${table}.mono_ns, ${table}.wall_ns FROM ${given}
      JOIN ${table} ON ${table}.stream_id = given.stream_id AND ${table}.seq BETWEEN given.first AND given.last
      WHERE ${whereOf(table, blocks, isTimed)}${isTimed ? ` AND ${table}.wall_ns BETWEEN given.from_ns AND given.to_ns` : ''}`,
  );
}

function whereOf(table: DayTable, blocks: readonly BlockRow[], isTimed: boolean): string {
  return isTimed ? withinOf(table, blocks) : `${table}.wall_ns IS NULL`;
}

async function moveIn(
  tx: Queries,
  table: DayTable,
  moved: readonly { stream_id: bigint; seq: bigint; old_ns: bigint | null; new_ns: bigint | undefined }[],
  isTimed: boolean,
  where: string,
): Promise<void> {
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
