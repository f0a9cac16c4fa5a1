import { GAP_CAUSES } from '../../wire/index.js';
import type { Queries } from '../db/index.js';
import { Ranges } from '../ranges.js';
import { clean, withGiven } from './given.js';
import { type EpochState, findNames, keyOf, type Name, type Named } from './names.js';
import type { TimesCache } from './row-times.js';
import type { RangesOf, StreamState } from './stream-state.js';
import type { Incoming } from './types.js';

/** The epoch of those who have none. */
export const PACK_EPOCH = 'pack';

/** What the database has of all that a batch speaks of. */
export interface Batch extends Named {
  readonly states: ReadonlyMap<string, EpochState>;
}

export async function openBatch(
  tx: Queries,
  incoming: readonly Incoming[],
  receivedMs: number,
  cache: TimesCache,
): Promise<Batch> {
  const named = await findNames(tx, incoming.flatMap(namesOf), receivedMs);
  const rows = [...named.epochs.values()];
  const times = await cache.take(tx, rows);
  const states = new Map(
    [...named.epochs].map(([key, row]) => [key, { row, times: times.get(row.id)! }] as const),
  );
  await loadRanges(tx, named, incoming);
  await loadBlocks(tx, named, incoming);
  return { ...named, states };
}

export function nameOf(one: Incoming): Name {
  if (one.kind === 'pack') return { node: clean(one.device), epoch: PACK_EPOCH, stream: clean(one.stream) };
  const { node, epoch, stream } = one.header;
  return { node, epoch, stream };
}

function namesOf(one: Incoming): readonly Name[] {
  const gaps = one.kind === 'block' ? (one.meta?.records ?? []).filter(({ kind }) => kind === 'gap') : [];
  const { node } = nameOf(one);
  return [
    nameOf(one),
    ...gaps.flatMap((gap) =>
      gap.kind === 'gap' ? [{ node, epoch: gap.value.epoch, stream: gap.value.stream }] : [],
    ),
  ];
}

export function streamOf(named: Named, { node, epoch, stream }: Name): StreamState | undefined {
  return named.streams.get(keyOf(node, epoch, stream));
}

interface Touch {
  readonly stream: StreamState;
  readonly what: RangesOf;
  readonly first: number;
  readonly last: number;
}

async function loadRanges(tx: Queries, named: Named, incoming: readonly Incoming[]): Promise<void> {
  const streams = new Map([...named.streams.values()].map((stream) => [stream.row.id, stream]));
  const rows = await withGiven<{
    stream_id: bigint;
    what: string;
    first: bigint;
    last: bigint;
    at_most: bigint;
  }>(
    tx,
    { stream_id: 'BIGINT', what: 'TEXT', first: 'BIGINT', last: 'BIGINT' },
    merged(incoming.flatMap((one) => touchesOf(named, one))).map(({ stream, what, first, last }) => ({
      ...{ stream_id: stream.row.id, what, first: BigInt(first), last: BigInt(last) },
    })),
    (given) => `SELECT extent.stream_id, extent.what, extent.first, extent.last, extent.at_most
      FROM ${given} JOIN extent ON extent.stream_id = given.stream_id AND extent.what = given.what
        AND extent.first <= given.last + 1 AND extent.first >= COALESCE((SELECT max(lower.first) FROM extent AS lower
          WHERE lower.stream_id = given.stream_id AND lower.what = given.what AND lower.first <= given.first), 0)`,
  );
  for (const { stream_id, what, first, last, at_most } of rows)
    streams
      .get(stream_id)!
      .ranges(what as RangesOf)
      .load({ first: Number(first), last: Number(last) }, at_most === 1n);
}

/** Each number once: who says the same gap a thousand times makes the database find it once. */
function merged(touches: readonly Touch[]): readonly Touch[] {
  const sets = new Map<string, { readonly touch: Touch; readonly ranges: Ranges }>();
  for (const touch of touches) {
    const key = `${touch.stream.row.id}/${touch.what}`;
    const set = sets.get(key) ?? { touch, ranges: new Ranges() };
    set.ranges.add(touch.first, touch.last);
    sets.set(key, set);
  }
  return [...sets.values()].flatMap(({ touch, ranges }) =>
    ranges.list.map((range) => ({ ...touch, ...range })),
  );
}

/** Which ranges of which sets something that came may meet. */
function touchesOf(named: Named, one: Incoming): readonly Touch[] {
  const stream = streamOf(named, nameOf(one));
  if (!stream) return [];
  if (one.kind === 'pack') {
    const next = Number(stream.row.next);
    return [{ stream, what: 'received', first: next, last: next }];
  }
  const { node, first, count } = one.header;
  const last = first + count - 1;
  const sets: readonly RangesOf[] = stream.row.gap_ranges > 0n ? ['received', ...GAP_CAUSES] : ['received'];
  const gaps = (one.meta?.records ?? []).flatMap((record): Touch[] => {
    if (record.kind !== 'gap' || record.value.last === undefined) return [];
    const { epoch, cause } = record.value;
    const of = streamOf(named, { node, epoch, stream: record.value.stream });
    return of ? [{ stream: of, what: cause, first: record.value.first, last: record.value.last }] : [];
  });
  return [...sets.map((what) => ({ stream, what, first, last })), ...gaps];
}

/** The blocks, and those in conflict, with the same first number. */
async function loadBlocks(tx: Queries, named: Named, incoming: readonly Incoming[]): Promise<void> {
  const streams = new Map([...named.streams.values()].map((stream) => [stream.row.id, stream]));
  const firsts = incoming.flatMap((one) => {
    const stream = one.kind === 'block' ? streamOf(named, nameOf(one)) : undefined;
    return stream && one.kind === 'block'
      ? [{ stream_id: stream.row.id, first: BigInt(one.header.first) }]
      : [];
  });
  const find = (table: 'block' | 'conflict', of: typeof firsts) =>
    withGiven<{ stream_id: bigint; first: bigint; count: bigint; crc: bigint }>(
      tx,
      { stream_id: 'BIGINT', first: 'BIGINT' },
      of,
      (given) => `SELECT ${table}.stream_id, ${table}.first, ${table}.count, ${table}.crc
        FROM ${given} JOIN ${table} ON ${table}.stream_id = given.stream_id AND ${table}.first = given.first`,
    );
  for (const { stream_id, first, count, crc } of await find('block', firsts))
    streams.get(stream_id)!.know(Number(first), Number(count), Number(crc));
  const inConflict = firsts.filter(({ stream_id }) => streams.get(stream_id)!.keptConflicts > 0);
  for (const { stream_id, first, count, crc } of await find('conflict', inConflict))
    streams.get(stream_id)!.knowConflict(Number(first), Number(count), Number(crc));
}
