import { META_STREAM } from '../../wire/index.js';
import type { Queries, SqlRow } from '../db/index.js';
import type { Batch } from './batch.js';
import { type Cell, type Shape, withGiven } from './given.js';
import type { Judged } from './judged.js';
import { dropOldBoots } from './meta.js';
import { keyOf, type NodeRow } from './names.js';
import type { DescriptorKey, PositionChannels, Positions } from './positions.js';
import type { NewRows } from './rows.js';
import type { Reading } from './types.js';
import type { StreamRows } from './write.js';

const MIN_RHYTHM_MS = 1_000n;
const MAX_RHYTHM_MS = 12n * 3_600_000n;
const MAX_INT64 = 2n ** 63n - 1n;
/** So far a good clock may be ahead of the fleet's. */
const AHEAD_MS = 60_000n;
/** What is older on its arrival comes from a backlog. */
export const BACKLOG_MS = 60_000n;

/** What a batch tells of its nodes: that they live, how far they are, where they are; and of their boots, how long they lived. */
export async function updateNodes(
  tx: Queries,
  batch: Batch,
  judged: readonly Judged[],
  written: readonly StreamRows[],
  receivedMs: number,
  positions: Positions,
): Promise<void> {
  await noteBoots(tx, batch, judged);
  for (const row of batch.nodes.values()) heardOf(row, BigInt(receivedMs));
  const newest = await newestBoots(tx, written);
  for (const { stream, rows } of written) {
    // What a node says of itself may be old while its readings are not.
    if (stream.row.name === META_STREAM) continue;
    const row = batch.nodes.get(stream.row.node)!;
    const wallNs = rows.readings.at(-1)?.wallNs;
    if (wallNs !== undefined && (row.latest_ns === null || wallNs > row.latest_ns)) row.latest_ns = wallNs;
    const ageNs =
      wallNs === undefined
        ? ageByBoot(rows, newest.get(stream.row.epoch_id))
        : BigInt(receivedMs) * 1_000_000n - wallNs;
    if (ageNs > BACKLOG_MS * 1_000_000n) row.backlog_ms = BigInt(receivedMs);
  }
  for (const { row, lostBefore } of batch.streams.values()) {
    const node = batch.nodes.get(row.node)!;
    const lost = node.lost_rows + row.lost_rows - lostBefore;
    node.lost_rows = lost > MAX_INT64 ? MAX_INT64 : lost;
  }
  await locate(tx, batch, written, positions, BigInt(receivedMs));
  await writeNodes(tx, [...batch.nodes.values()]);
}

interface NewestBoot extends SqlRow {
  readonly epoch_id: bigint;
  readonly boot: bigint;
  readonly last_ns: bigint;
}

/** Of the epochs of rows without a time: the boot that runs, as far as it is known, and its newest row. */
async function newestBoots(
  tx: Queries,
  written: readonly StreamRows[],
): Promise<ReadonlyMap<bigint, NewestBoot>> {
  const timeless = written.filter(({ rows }) => rows.readings.at(-1)?.wallNs === undefined);
  const boots = await withGiven<NewestBoot>(
    tx,
    { epoch_id: 'BIGINT' },
    [...new Set(timeless.map(({ stream }) => stream.row.epoch_id))].map((epoch_id) => ({ epoch_id })),
    (
      given,
    ) => `SELECT boot.epoch_id, boot.boot, boot.last_ns FROM ${given} JOIN boot ON boot.epoch_id = given.epoch_id
      WHERE boot.boot = (SELECT max(boot) FROM boot AS one WHERE one.epoch_id = given.epoch_id)`,
  );
  return new Map(boots.map((boot) => [boot.epoch_id, boot]));
}

/** At the least, by the boot's clock: rows of an earlier boot are from before the one that runs, however long. */
function ageByBoot({ boot, monoNs }: NewRows, newest: NewestBoot | undefined): bigint {
  if (!newest || newest.boot < BigInt(boot)) return 0n;
  return newest.boot > BigInt(boot) ? newest.last_ns : newest.last_ns - (monoNs.at(-1) ?? 0n);
}

/** The longest of the last times between two of its words. One long silence doubles it at the most: it is what the node does, not what befell it. */
function heardOf(row: NodeRow, nowMs: bigint): void {
  // What lay in the spool came before what was taken since.
  if (nowMs <= row.heard_ms) return;
  const silentMs = nowMs - row.heard_ms;
  const most = silentMs < 2n * row.rhythm_ms ? silentMs : 2n * row.rhythm_ms;
  const rhythmMs = silentMs > row.rhythm_ms ? most : (7n * row.rhythm_ms + silentMs) / 8n;
  row.rhythm_ms =
    rhythmMs < MIN_RHYTHM_MS ? MIN_RHYTHM_MS : rhythmMs > MAX_RHYTHM_MS ? MAX_RHYTHM_MS : rhythmMs;
  row.heard_ms = nowMs;
}

const NODE_SHAPE = {
  node: 'TEXT',
  heard_ms: 'BIGINT',
  rhythm_ms: 'BIGINT',
  backlog_ms: 'BIGINT',
  latest_ns: 'BIGINT',
  latitude: 'REAL',
  longitude: 'REAL',
  position_ns: 'BIGINT',
  lost_rows: 'BIGINT',
} as const satisfies Shape;
const NODE_COLUMNS = Object.keys(NODE_SHAPE).filter((name) => name !== 'node');

async function writeNodes(tx: Queries, rows: readonly NodeRow[]): Promise<void> {
  await withGiven(
    tx,
    NODE_SHAPE,
    rows as readonly Readonly<Record<keyof typeof NODE_SHAPE, Cell>>[],
    (given) => `UPDATE node SET ${NODE_COLUMNS.map((name) => `${name} = given.${name}`).join(', ')}
      FROM ${given} WHERE node.node = given.node`,
  );
}

async function locate(
  tx: Queries,
  batch: Batch,
  written: readonly StreamRows[],
  positions: Positions,
  nowMs: bigint,
): Promise<void> {
  const keyed = written.map(({ stream, rows }) => ({ stream, rows, key: keyFor(stream.row, rows.version) }));
  const channelsOf = await positions.of(
    tx,
    keyed.map(({ key }) => key),
  );
  for (const { stream, rows, key } of keyed) {
    const channels = channelsOf(key);
    const at = channels && rows.readings.findLast((reading) => isPosition(reading, channels));
    if (!at) continue;
    const row = batch.nodes.get(stream.row.node)!;
    // One that is ahead of what came now is of a clock that was wrong.
    const isSure = row.position_ns !== null && row.position_ns <= (nowMs + AHEAD_MS) * 1_000_000n;
    if (isSure && (at.wallNs === undefined || at.wallNs < row.position_ns!)) continue;
    row.latitude = at.values[channels.latitude]!;
    row.longitude = at.values[channels.longitude]!;
    row.position_ns = at.wallNs ?? null;
  }
}

function keyFor(row: { readonly epoch_id: bigint; readonly name: string }, version: number): DescriptorKey {
  return { epochId: row.epoch_id, stream: row.name, version };
}

function isPosition({ values, quality }: Reading, { latitude, longitude }: PositionChannels): boolean {
  return [latitude, longitude].every(
    (at) => typeof values[at] === 'number' && (quality?.[at] ?? 'g') === 'g',
  );
}

/** The boots of the rows that are new lived so long at the least. */
async function noteBoots(tx: Queries, batch: Batch, judged: readonly Judged[]): Promise<void> {
  const boots = new Map<string, { epoch_id: bigint; boot: bigint; last_ns: bigint }>();
  for (const { incoming, pieces } of judged) {
    if (incoming.kind === 'pack' || !pieces) continue;
    const { node, epoch, boot } = incoming.header;
    const { row, times } = batch.states.get(keyOf(node, epoch))!;
    const last = incoming.rows.timesNs.at(-1) ?? 0n;
    times.times.seen(boot, last);
    const known = boots.get(`${row.id}/${boot}`);
    if (!known || known.last_ns < last)
      boots.set(`${row.id}/${boot}`, { epoch_id: row.id, boot: BigInt(boot), last_ns: last });
  }
  const shape = { epoch_id: 'BIGINT', boot: 'BIGINT', last_ns: 'BIGINT' } as const;
  const fresh = await withGiven<{ epoch_id: bigint }>(
    tx,
    shape,
    [...boots.values()],
    (given) => `SELECT DISTINCT given.epoch_id AS epoch_id FROM ${given} WHERE NOT EXISTS
      (SELECT 1 FROM boot WHERE boot.epoch_id = given.epoch_id AND boot.boot = given.boot)`,
  );
  await withGiven(
    tx,
    shape,
    [...boots.values()],
    (
      given,
    ) => `INSERT INTO boot (epoch_id, boot, last_ns) SELECT epoch_id, boot, last_ns FROM ${given} WHERE true
      ON CONFLICT (epoch_id, boot) DO UPDATE SET last_ns = excluded.last_ns WHERE excluded.last_ns > boot.last_ns`,
  );
  for (const { epoch_id } of fresh) await dropOldBoots(tx, epoch_id);
}
