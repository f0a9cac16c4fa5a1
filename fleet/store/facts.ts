import type { Channel } from '../../drivers/contract/index.js';
import type { Queries } from '../db/index.js';
import { withGiven } from './given.js';
import { readTimes } from './row-times.js';
import type { Group } from './types.js';

/** What others ask in the middle of a transaction, on its own connection. */
export interface NodeFacts {
  readonly name: string;
  readonly group: Group;
  readonly position?: {
    readonly latitude: number;
    readonly longitude: number;
    /** Of when it is; undefined: nobody knows. */
    readonly wallNs?: bigint;
  };
}

export interface RowWhen {
  readonly wallNs: bigint;
  /** ± so much; undefined: nobody said. */
  readonly uncertaintyMs?: number;
}

/** Nodes that nobody knows are left out. */
export async function nodeFacts(
  on: Queries,
  nodes: readonly string[],
): Promise<ReadonlyMap<string, NodeFacts>> {
  const rows = await withGiven<{
    node: string;
    name: string | null;
    fleet_group: string;
    latitude: number | null;
    longitude: number | null;
    position_ns: bigint | null;
  }>(
    on,
    { node: 'TEXT' },
    nodes.map((node) => ({ node })),
    (given) =>
      `SELECT node, name, fleet_group, latitude, longitude, position_ns FROM node WHERE node IN (SELECT given.node FROM ${given})`,
  );
  return new Map(
    rows.map(({ node, name, fleet_group, latitude, longitude, position_ns }) => [
      node,
      {
        name: name ?? node,
        group: fleet_group as Group,
        ...(latitude !== null &&
          longitude !== null && {
            position: { latitude, longitude, ...(position_ns !== null && { wallNs: position_ns }) },
          }),
      },
    ]),
  );
}

/** The channels of that version of the stream; undefined: its descriptor hasn't come. */
export async function channelsOf(
  on: Queries,
  streamId: bigint,
  version: number,
): Promise<readonly Channel[] | undefined> {
  const [row] = await on.query<{ channels: string }>(
    `SELECT descriptor.channels FROM stream JOIN descriptor
       ON descriptor.epoch_id = stream.epoch_id AND descriptor.stream = stream.name
     WHERE stream.id = $1 AND descriptor.version = $2`,
    [streamId, BigInt(version)],
  );
  return row && (JSON.parse(row.channels) as Channel[]);
}

/** When rows were taken, as it is known now; those without a time are left out. */
export async function rowTimes(
  on: Queries,
  streamId: bigint,
  sequences: readonly bigint[],
): Promise<ReadonlyMap<bigint, RowWhen>> {
  const [stream] = await on.query<{ is_log: bigint | null }>('SELECT is_log FROM stream WHERE id = $1', [
    streamId,
  ]);
  const isLog = stream?.is_log === 1n;
  // The block says between which times to look: rows are indexed by time.
  const rows = await withGiven<{ seq: bigint; wall_ns: bigint; uncertainty_ns: bigint | null }>(
    on,
    { stream_id: 'BIGINT', seq: 'BIGINT' },
    [...new Set(sequences)].map((seq) => ({ stream_id: streamId, seq })),
    (given) => `SELECT line.seq, line.wall_ns, block.uncertainty_ns FROM ${given}
      JOIN block ON block.stream_id = given.stream_id
        AND block.first = (SELECT max(first) FROM block AS b WHERE b.stream_id = given.stream_id AND b.first <= given.seq)
      JOIN ${isLog ? 'log_line' : 'reading'} AS line ON line.stream_id = given.stream_id AND line.seq = given.seq
        AND line.wall_ns BETWEEN block.wall_first_ns AND block.wall_last_ns
        ${isLog ? 'AND line.at_ns BETWEEN block.wall_first_ns AND block.wall_last_ns' : ''}`,
  );
  return new Map(
    rows.map(({ seq, wall_ns: wallNs, uncertainty_ns }) => [
      seq,
      { wallNs, ...(uncertainty_ns !== null && { uncertaintyMs: Number(uncertainty_ns) / 1e6 }) },
    ]),
  );
}

/** Below which number retention took the rows of these streams; others are left out. */
export async function removedTo(
  on: Queries,
  streamIds: readonly bigint[],
): Promise<ReadonlyMap<bigint, bigint>> {
  const rows = await withGiven<{ id: bigint; removed_to: bigint }>(
    on,
    { stream_id: 'BIGINT' },
    [...new Set(streamIds)].map((stream_id) => ({ stream_id })),
    (given) =>
      `SELECT stream.id, stream.removed_to FROM ${given} JOIN stream ON stream.id = given.stream_id WHERE stream.removed_to > 0`,
  );
  return new Map(rows.map(({ id, removed_to }) => [id, removed_to]));
}

/** The latest moment that a row without a time can be of: the next boot that has one began then. Undefined: nobody knows. */
export async function rowNotAfter(
  on: Queries,
  streamId: bigint,
  sequence: bigint,
): Promise<bigint | undefined> {
  const [block] = await on.query<{ epoch_id: bigint; boot: bigint; last_ns: bigint }>(
    `SELECT stream.epoch_id, block.boot, block.last_ns FROM block JOIN stream ON stream.id = block.stream_id
      WHERE block.stream_id = $1 AND block.first <= $2 AND block.first + block.count > $2 ORDER BY block.first DESC LIMIT 1`,
    [streamId, sequence],
  );
  if (!block) return undefined;
  const { times } = (await readTimes(on, [block.epoch_id])).get(block.epoch_id)!;
  const boots = await on.query<{ boot: bigint; last_ns: bigint }>(
    'SELECT boot, last_ns FROM boot WHERE epoch_id = $1',
    [block.epoch_id],
  );
  for (const { boot, last_ns } of boots) times.seen(Number(boot), last_ns);
  const time = times.at(Number(block.boot), block.last_ns);
  return time.kind === 'bounded' ? time.notAfterNs : undefined;
}

/** Keeps others from taking anything of these nodes until the transaction ends, as `take` itself does. On SQLite a transaction is alone anyway. */
export async function lockNodes(tx: Queries, nodes: readonly string[]): Promise<void> {
  if (tx.dialect !== 'postgres') return;
  await withGiven(
    tx,
    { node: 'TEXT' },
    nodes.map((node) => ({ node })),
    (given) =>
      `SELECT node FROM node WHERE node IN (SELECT given.node FROM ${given}) ORDER BY node FOR UPDATE`,
  );
}
