import { GAP_CAUSES, type GapCause } from '../../wire/index.js';
import type { Queries } from '../db/index.js';
import { Ranges } from '../ranges.js';
import { type Cell, type Shape, withGiven } from './given.js';
import type { NewRows } from './rows.js';
import type { RangesOf, StreamState } from './stream-state.js';

/** Causes that a reading may have too: the node couldn't know that it had left (docs/wire-format.md). */
const RECEIVED_WINS: ReadonlySet<RangesOf> = new Set(['quota', 'thinned', 'rot', 'uncleanStop']);

export interface StreamRows {
  readonly stream: StreamState;
  readonly rows: NewRows;
}

/** Rows of all readings and log lines of a batch. */
export async function writeRows(tx: Queries, all: readonly StreamRows[], receivedMs: number): Promise<void> {
  await writeBlocks(tx, all, receivedMs);
  const [logs, others] = [true, false].map((isLog) =>
    all.filter(({ stream }) => stream.row.name !== 'meta' && (stream.row.is_log === 1n) === isLog),
  );
  await withGiven(
    tx,
    {
      ...{ stream_id: 'BIGINT', seq: 'BIGINT', mono_ns: 'BIGINT', wall_ns: 'BIGINT' },
      ...{ v: 'REALS', texts: 'TEXTS', quality: 'TEXT' },
    },
    others!.flatMap(({ stream, rows }) =>
      // Of what is done for each row, a literal costs least.
      rows.readings.map(({ sequence, wallNs, values, texts, quality }, i) => ({
        stream_id: stream.row.id,
        seq: sequence,
        mono_ns: rows.monoNs[i],
        wall_ns: wallNs,
        v: values,
        texts,
        quality,
      })),
    ),
    (given) => `INSERT INTO reading (stream_id, seq, mono_ns, wall_ns, v, texts, quality)
      SELECT stream_id, seq, mono_ns, wall_ns, v, texts, quality FROM ${given}`,
  );
  await writeLogs(tx, logs!, receivedMs);
}

async function writeLogs(tx: Queries, all: readonly StreamRows[], receivedMs: number): Promise<void> {
  await withGiven(
    tx,
    {
      ...{ stream_id: 'BIGINT', seq: 'BIGINT', mono_ns: 'BIGINT', wall_ns: 'BIGINT', at_ns: 'BIGINT' },
      ...{ level: 'BIGINT', module: 'TEXT', text: 'TEXT' },
    },
    all.flatMap(({ stream, rows }) =>
      rows.readings.map(({ sequence, wallNs, values, texts }, i) => ({
        ...{ stream_id: stream.row.id, seq: sequence, mono_ns: rows.monoNs[i], wall_ns: wallNs },
        at_ns: wallNs ?? BigInt(receivedMs) * 1_000_000n,
        ...{ level: BigInt(values[0] ?? 0), module: texts?.[1] ?? '', text: texts?.[2] ?? '' },
      })),
    ),
    (given) => `INSERT INTO log_line (stream_id, seq, mono_ns, wall_ns, at_ns, level, module, text)
      SELECT stream_id, seq, mono_ns, wall_ns, at_ns, level, module, text FROM ${given}`,
  );
}

async function writeBlocks(tx: Queries, all: readonly StreamRows[], receivedMs: number): Promise<void> {
  await withGiven(
    tx,
    {
      ...{ stream_id: 'BIGINT', first: 'BIGINT', count: 'BIGINT', crc: 'BIGINT', boot: 'BIGINT' },
      ...{ version: 'BIGINT', first_ns: 'BIGINT', last_ns: 'BIGINT', wall_first_ns: 'BIGINT' },
      ...{ wall_last_ns: 'BIGINT', uncertainty_ns: 'BIGINT', received_ms: 'BIGINT' },
    },
    all.map(({ stream, rows }) => blockRow(stream, rows, receivedMs)),
    (
      given,
    ) => `INSERT INTO block (stream_id, first, count, crc, boot, version, first_ns, last_ns, wall_first_ns, wall_last_ns,
        uncertainty_ns, received_ms)
      SELECT stream_id, first, count, crc, boot, version, first_ns, last_ns, wall_first_ns, wall_last_ns, uncertainty_ns,
        received_ms FROM ${given}`,
  );
}

function blockRow({ row }: StreamState, rows: NewRows, receivedMs: number) {
  const { first, monoNs, readings, crc, boot, version, uncertaintyNs } = rows;
  const [firstNs, lastNs] = reach(monoNs);
  const [wallFirstNs, wallLastNs] = reach(readings.map(({ wallNs }) => wallNs));
  return {
    stream_id: row.id,
    first,
    count: readings.length,
    crc,
    boot,
    version,
    first_ns: firstNs,
    last_ns: lastNs,
    wall_first_ns: wallFirstNs,
    wall_last_ns: wallLastNs,
    uncertainty_ns: uncertaintyNs,
    received_ms: BigInt(receivedMs),
  };
}

/** Least and greatest; of rows without a time neither. */
function reach(times: readonly (bigint | undefined)[]): readonly [bigint | undefined, bigint | undefined] {
  let [least, most] = [times[0], times[0]];
  for (const time of times) {
    if (time === undefined || least === undefined || most === undefined) return [undefined, undefined];
    if (time < least) least = time;
    if (time > most) most = time;
  }
  return [least, most];
}

/** The ranges that the batch touched, and the rows of their streams. */
export async function writeLedger(
  tx: Queries,
  streams: readonly StreamState[],
  receivedMs: number,
): Promise<void> {
  await writeExtents(tx, streams, receivedMs);
  await recount(
    tx,
    streams.filter((one) => one.recount),
  );
  await writeStreams(tx, COUNTED, streams);
  await writeStreams(
    tx,
    SELDOM,
    streams.filter(({ isOdd, recount }) => isOdd || recount),
  );
}

/** What each block changes. */
const COUNTED = {
  id: 'BIGINT',
  class: 'TEXT',
  is_log: 'BIGINT',
  received: 'BIGINT',
  next: 'BIGINT',
  received_ranges: 'BIGINT',
  latest_seq: 'BIGINT',
  latest_ns: 'BIGINT',
  latest: 'TEXT',
} as const satisfies Shape;
/** What a double, a conflict or a gap changes. */
const SELDOM = {
  id: 'BIGINT',
  duplicates: 'BIGINT',
  conflicts: 'BIGINT',
  contradictions: 'BIGINT',
  gap_ranges: 'BIGINT',
  lost: 'TEXT',
  lost_rows: 'BIGINT',
  open_from: 'BIGINT',
  open_cause: 'TEXT',
  open_learned_ms: 'BIGINT',
} as const satisfies Shape;

async function writeStreams<S extends Shape>(
  tx: Queries,
  shape: S,
  streams: readonly StreamState[],
): Promise<void> {
  const columns = Object.keys(shape).filter((name) => name !== 'id');
  await withGiven(
    tx,
    shape,
    streams.map(({ row }) => row as Readonly<Record<keyof S, Cell>>),
    (given) => `UPDATE stream SET ${columns.map((name) => `${name} = given.${name}`).join(', ')}
      FROM ${given} WHERE stream.id = given.id`,
  );
}

async function writeExtents(tx: Queries, streams: readonly StreamState[], receivedMs: number): Promise<void> {
  const all = streams.flatMap((stream) =>
    [...stream.of].map(([what, stored]) => ({
      stream,
      what,
      stored,
      key: { stream_id: stream.row.id, what },
    })),
  );
  for (const { stream, what, stored } of all) {
    const more = BigInt(stored.more);
    if (what === 'received') stream.row.received_ranges += more;
    else stream.row.gap_ranges += more;
  }
  await withGiven(
    tx,
    { stream_id: 'BIGINT', what: 'TEXT', first: 'BIGINT' },
    all.flatMap(({ key, stored }) => stored.gone.map((first) => ({ ...key, first: BigInt(first) }))),
    (given) => `DELETE FROM extent WHERE (stream_id, what, first) IN
      (SELECT given.stream_id, given.what, given.first FROM ${given})`,
  );
  await withGiven(
    tx,
    {
      ...{ stream_id: 'BIGINT', what: 'TEXT', first: 'BIGINT', last: 'BIGINT' },
      ...{ at_most: 'BIGINT', learned_ms: 'BIGINT' },
    },
    all.flatMap(({ key, stored }) =>
      stored.changed.map((range) => ({
        ...{ ...key, first: BigInt(range.first), last: BigInt(range.last) },
        ...{ at_most: stored.isAtMost(range) ? 1n : 0n, learned_ms: BigInt(receivedMs) },
      })),
    ),
    (given) => `INSERT INTO extent (stream_id, what, first, last, at_most, learned_ms)
      SELECT stream_id, what, first, last, at_most, learned_ms FROM ${given} WHERE true
      ON CONFLICT (stream_id, what, first) DO UPDATE
        SET last = excluded.last, at_most = excluded.at_most, learned_ms = excluded.learned_ms`,
  );
}

/** What is lost, from all ranges of these streams: received wins, and of two causes the one that stands first. */
async function recount(tx: Queries, streams: readonly StreamState[]): Promise<void> {
  const rows = await withGiven<{ stream_id: bigint; what: string; first: bigint; last: bigint }>(
    tx,
    { stream_id: 'BIGINT' },
    streams.map(({ row }) => ({ stream_id: row.id })),
    (given) => `SELECT extent.stream_id, extent.what, extent.first, extent.last
      FROM ${given} JOIN extent ON extent.stream_id = given.stream_id ORDER BY extent.stream_id, extent.what, extent.first`,
  );
  const of = grouped(rows, ({ stream_id }) => stream_id);
  for (const { row } of streams) {
    const sets = grouped(of.get(row.id) ?? [], ({ what }) => what);
    const rangesOf = (what: RangesOf) =>
      new Ranges(
        (sets.get(what) ?? []).map(({ first, last }) => ({ first: Number(first), last: Number(last) })),
      );
    const { lost, contradictions } = lossesOf(rangesOf);
    row.lost = JSON.stringify(lost);
    row.lost_rows = BigInt(Object.values(lost).reduce((sum, count) => sum + count, 0));
    row.contradictions = BigInt(contradictions);
  }
}

function lossesOf(rangesOf: (what: RangesOf) => Ranges) {
  const received = rangesOf('received');
  const lost: Partial<Record<GapCause, number>> = {};
  let told = received;
  let contradictions = 0;
  for (const cause of GAP_CAUSES) {
    const ranges = rangesOf(cause);
    const count = ranges.minus(told).count;
    if (count > 0) lost[cause] = count;
    if (!RECEIVED_WINS.has(cause)) contradictions += ranges.count - ranges.minus(received).count;
    told = new Ranges([...told.list, ...ranges.list]);
  }
  return { lost, contradictions };
}

function grouped<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
