import type { Queries } from '../db/index.js';
import { withGiven } from './given.js';
import type { RowTimes } from './row-times.js';
import { type StreamRow, StreamState } from './stream-state.js';

const MAX_NODES = 16_384;
/** Of a node; it begins a new one when the state of its store was lost. */
const MAX_EPOCHS = 64;
const MAX_STREAMS = 256;
/** Until a node's own is known, ms. */
const FIRST_RHYTHM_MS = 60_000n;

/** What a batch speaks of: `stream` is left out where only the epoch is meant. */
export interface Name {
  readonly node: string;
  readonly epoch: string;
  readonly stream: string;
}

export interface EpochRow {
  readonly id: bigint;
  readonly node: string;
  readonly epoch: string;
  anchors_version: bigint;
  readonly [column: string]: string | bigint;
}

export interface EpochState {
  readonly row: EpochRow;
  readonly times: RowTimes;
}

export interface NodeRow {
  readonly node: string;
  heard_ms: bigint;
  rhythm_ms: bigint;
  backlog_ms: bigint | null;
  latest_ns: bigint | null;
  latitude: number | null;
  longitude: number | null;
  position_ns: bigint | null;
  lost_rows: bigint;
  readonly [column: string]: string | number | bigint | null;
}

/** The nodes, epochs and streams of a batch, by name; what found no room isn't there. */
export interface Named {
  readonly nodes: ReadonlyMap<string, NodeRow>;
  readonly epochs: ReadonlyMap<string, EpochRow>;
  readonly streams: ReadonlyMap<string, StreamState>;
}

/** No name holds a NUL. */
export function keyOf(...parts: readonly string[]): string {
  return parts.join('\0');
}

/**
 * Finds what is named, and makes what is new. The rows of the nodes stay locked, taken in the order of their names: who takes blocks of the same node
 * in another process waits.
 */
export async function findNames(tx: Queries, names: readonly Name[], nowMs: number): Promise<Named> {
  const nodes = await findNodes(tx, [...new Set(names.map(({ node }) => node))].sort(), nowMs);
  const epochs = await findEpochs(
    tx,
    names.filter(({ node }) => nodes.has(node)),
    nowMs,
  );
  const streams = await findStreams(
    tx,
    names.filter(({ node, epoch }) => epochs.has(keyOf(node, epoch))),
    epochs,
  );
  return { nodes, epochs, streams };
}

/**
 * In the order of their names; what is new is made, as far as there is room. They stay locked. Nothing is locked before all are made: whoever waits for a
 * node that somebody else is making holds none that the other may want.
 */
export async function findNodes(
  tx: Queries,
  names: readonly string[],
  nowMs: number,
): Promise<Map<string, NodeRow>> {
  const given = names.map((node) => ({ node }));
  const known = await withGiven<{ node: string }>(
    tx,
    { node: 'TEXT' },
    given,
    (table) => `SELECT node FROM node WHERE ${isAmong(table)}`,
  );
  if (known.length < names.length) await makeNodes(tx, names, new Set(known.map(({ node }) => node)), nowMs);
  const rows = await withGiven<NodeRow>(
    tx,
    { node: 'TEXT' },
    given,
    (
      table,
    ) => `SELECT node, heard_ms, rhythm_ms, backlog_ms, latest_ns, latitude, longitude, position_ns, lost_rows
      FROM node WHERE ${isAmong(table)} ORDER BY node${tx.dialect === 'postgres' ? ' FOR UPDATE' : ''}`,
  );
  return new Map(rows.map((row) => [row.node, { ...row }]));
}

const isAmong = (given: string) => `node IN (SELECT given.node FROM ${given})`;

async function makeNodes(
  tx: Queries,
  names: readonly string[],
  known: ReadonlySet<string>,
  nowMs: number,
): Promise<void> {
  const [{ count } = { count: 0n }] = await tx.query<{ count: bigint }>('SELECT count(*) AS count FROM node');
  await withGiven(
    tx,
    { node: 'TEXT', heard_ms: 'BIGINT', rhythm_ms: 'BIGINT' },
    names
      .filter((node) => !known.has(node))
      .slice(0, Math.max(0, MAX_NODES - Number(count)))
      .map((node) => ({ node, heard_ms: BigInt(nowMs), rhythm_ms: FIRST_RHYTHM_MS })),
    (given) => `INSERT INTO node (node, heard_ms, rhythm_ms) SELECT node, heard_ms, rhythm_ms FROM ${given}
      WHERE true ON CONFLICT (node) DO NOTHING`,
  );
}

async function findEpochs(
  tx: Queries,
  names: readonly Name[],
  nowMs: number,
): Promise<Map<string, EpochRow>> {
  const wanted = new Map(names.map(({ node, epoch }) => [keyOf(node, epoch), { node, epoch }]));
  const find = async () => {
    const rows = await withGiven<EpochRow>(
      tx,
      { node: 'TEXT', epoch: 'TEXT' },
      [...wanted.values()],
      (given) => `SELECT epoch.id, epoch.node, epoch.epoch, epoch.anchors_version
        FROM ${given} JOIN epoch ON epoch.node = given.node AND epoch.epoch = given.epoch`,
    );
    return new Map(rows.map((row) => [keyOf(row.node, row.epoch), { ...row }]));
  };
  const known = await find();
  const unknown = [...wanted].filter(([key]) => !known.has(key)).map(([, one]) => one);
  if (unknown.length === 0) return known;
  const counts = await countsOf(tx, 'epoch', 'node', [...new Set(unknown.map(({ node }) => node))]);
  await withGiven(
    tx,
    { node: 'TEXT', epoch: 'TEXT', first_heard_ms: 'BIGINT' },
    withinBound(unknown, ({ node }) => node, counts, MAX_EPOCHS).map((one) => ({
      ...one,
      first_heard_ms: BigInt(nowMs),
    })),
    (given) =>
      `INSERT INTO epoch (node, epoch, first_heard_ms) SELECT node, epoch, first_heard_ms FROM ${given}`,
  );
  return find();
}

async function findStreams(
  tx: Queries,
  names: readonly Name[],
  epochs: ReadonlyMap<string, EpochRow>,
): Promise<Map<string, StreamState>> {
  const wanted = new Map(
    names.map(({ node, epoch, stream }) => {
      const { id } = epochs.get(keyOf(node, epoch))!;
      return [keyOf(node, epoch, stream), { epoch_id: id, name: stream }];
    }),
  );
  const find = async () => {
    const rows = await withGiven<StreamRow & { kept: bigint }>(
      tx,
      { epoch_id: 'BIGINT', name: 'TEXT' },
      [...wanted.values()],
      (given) => `SELECT stream.*, epoch.node, epoch.epoch,
          CASE WHEN stream.conflicts = 0 THEN 0
            ELSE (SELECT count(*) FROM conflict WHERE conflict.stream_id = stream.id) END AS kept
        FROM ${given} JOIN stream ON stream.epoch_id = given.epoch_id AND stream.name = given.name
        JOIN epoch ON epoch.id = stream.epoch_id`,
    );
    return new Map(
      rows.map(({ kept, ...row }) => [
        keyOf(row.node as string, row.epoch as string, row.name as string),
        new StreamState(row as StreamRow, Number(kept)),
      ]),
    );
  };
  const known = await find();
  const unknown = [...wanted].filter(([key]) => !known.has(key)).map(([, one]) => one);
  if (unknown.length === 0) return known;
  const ids = [...new Set(unknown.map(({ epoch_id }) => String(epoch_id)))];
  const counts = await countsOf(tx, 'stream', 'epoch_id', ids);
  await withGiven(
    tx,
    { epoch_id: 'BIGINT', name: 'TEXT' },
    withinBound(unknown, ({ epoch_id }) => String(epoch_id), counts, MAX_STREAMS),
    (given) => `INSERT INTO stream (epoch_id, name) SELECT epoch_id, name FROM ${given}`,
  );
  return find();
}

/** How many rows of a table each of these owners has. */
async function countsOf(
  tx: Queries,
  table: 'epoch' | 'stream',
  owner: 'node' | 'epoch_id',
  ids: readonly string[],
): Promise<Map<string, number>> {
  const type = owner === 'node' ? 'TEXT' : 'BIGINT';
  const rows = await withGiven<{ owner: string | bigint; count: bigint }>(
    tx,
    { owner: type },
    ids.map((id) => ({ owner: type === 'TEXT' ? id : BigInt(id) })),
    (given) => `SELECT ${owner} AS owner, count(*) AS count FROM ${table}
      WHERE ${owner} IN (SELECT given.owner FROM ${given}) GROUP BY ${owner}`,
  );
  return new Map(rows.map(({ owner: id, count }) => [String(id), Number(count)]));
}

/** The first of each owner that still find room. */
function withinBound<T>(
  all: readonly T[],
  ownerOf: (one: T) => string,
  counts: Map<string, number>,
  max: number,
): readonly T[] {
  return all.filter((one) => {
    const count = counts.get(ownerOf(one)) ?? 0;
    if (count >= max) return false;
    counts.set(ownerOf(one), count + 1);
    return true;
  });
}
