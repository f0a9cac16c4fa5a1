import type { Channel, StreamClass } from '../../drivers/contract/index.js';
import {
  type Descriptor,
  type GapCause,
  type LogClass,
  META_DESCRIPTOR,
  META_STREAM,
  Times,
} from '../../wire/index.js';
import type { Queries, SqlRow } from '../db/index.js';
import { healthOf } from './node-health.js';
import { type NodeListRow, summaryOf } from './nodes.js';
import { readTimes } from './row-times.js';
import type { Group, NodeDetail, Reading, Removed, StreamSource, StreamSummary } from './types.js';

interface StreamListRow extends RemovedRow {
  readonly id: bigint;
  readonly epoch: string;
  readonly name: string;
  readonly class: string | null;
  readonly received: bigint;
  readonly next: bigint;
  readonly conflicts: bigint;
  readonly contradictions: bigint;
  readonly lost: string;
  readonly lost_rows: bigint;
  readonly latest_seq: bigint | null;
  readonly latest_ns: bigint | null;
  readonly latest: string | null;
  readonly title: string | null;
  readonly channels: string | null;
}

export async function nodeDetail(db: Queries, node: string, nowMs: number): Promise<NodeDetail | undefined> {
  const [row] = await db.query<NodeListRow>('SELECT * FROM node WHERE node = $1', [node]);
  if (!row) return undefined;
  const epochs = await db.query<{ id: bigint; epoch: string; first_heard_ms: bigint }>(
    'SELECT id, epoch, first_heard_ms FROM epoch WHERE node = $1 ORDER BY id DESC',
    [node],
  );
  const health = await healthOf(db, node);
  return {
    ...summaryOf({ ...row, cause: health?.causes[0]?.rule ?? null }, nowMs),
    health,
    status: row.status === null ? undefined : (JSON.parse(row.status) as Record<string, unknown>),
    epochs: epochs.map(({ epoch, first_heard_ms }) => ({ epoch, firstHeardMs: Number(first_heard_ms) })),
    boots: await bootsOf(db, node),
    streams: await streamsOf(db, node),
  };
}

async function streamsOf(db: Queries, node: string): Promise<readonly StreamSummary[]> {
  const rows = await db.query<StreamListRow>(
    `SELECT stream.*, epoch.epoch, descriptor.title, descriptor.channels FROM epoch
      JOIN stream ON stream.epoch_id = epoch.id
      LEFT JOIN descriptor ON descriptor.epoch_id = epoch.id AND descriptor.stream = stream.name
        AND descriptor.version = (SELECT max(newest.version) FROM descriptor AS newest
          WHERE newest.epoch_id = epoch.id AND newest.stream = stream.name)
      WHERE epoch.node = $1 ORDER BY epoch.id DESC, stream.name`,
    [node],
  );
  return rows.map((row) => ({ ...streamOf(row), node }));
}

function streamOf(row: StreamListRow): Omit<StreamSummary, 'node'> {
  const isMeta = row.name === META_STREAM;
  return {
    ...{ streamId: row.id, epoch: row.epoch, stream: row.name },
    logClass: (row.class ?? 'telemetry') as LogClass,
    title: row.title ?? (isMeta ? META_DESCRIPTOR.title : row.name),
    channels: row.channels ? (JSON.parse(row.channels) as Channel[]) : isMeta ? META_DESCRIPTOR.channels : [],
    received: row.received,
    lost: lossesOf(row.lost),
    missing: row.next - row.received - row.lost_rows,
    ...{ conflicts: row.conflicts, contradictions: row.contradictions },
    removed: removedOf(row),
    latest: latestOf(row),
  };
}

export interface RemovedRow extends SqlRow {
  readonly removed_rows: bigint;
  readonly removed_from_ns: bigint | null;
  readonly removed_to_ns: bigint | null;
}

export function removedOf({ removed_rows, removed_from_ns, removed_to_ns }: RemovedRow): Removed | undefined {
  if (removed_rows === 0n) return undefined;
  return { rows: removed_rows, fromNs: removed_from_ns ?? undefined, toNs: removed_to_ns ?? undefined };
}

function lossesOf(text: string): Partial<Record<GapCause, bigint>> {
  const lost = JSON.parse(text) as Record<string, number>;
  return Object.fromEntries(Object.entries(lost).map(([cause, count]) => [cause, BigInt(count)]));
}

function latestOf({ latest, latest_seq, latest_ns }: StreamListRow): Reading | undefined {
  if (latest === null || latest_seq === null) return undefined;
  const rest = JSON.parse(latest) as Omit<Reading, 'sequence' | 'wallNs'>;
  return { sequence: latest_seq, wallNs: latest_ns ?? undefined, ...rest };
}

interface BootRow extends SqlRow {
  readonly epoch_id: bigint;
  readonly epoch: string;
  readonly boot: bigint;
  readonly software: string | null;
  readonly last_ns: bigint;
}

/** The newest first. */
async function bootsOf(db: Queries, node: string): Promise<NodeDetail['boots']> {
  const rows = await db.query<BootRow>(
    `SELECT boot.epoch_id, epoch.epoch, boot.boot, boot.software, boot.last_ns FROM epoch JOIN boot ON boot.epoch_id = epoch.id
      WHERE epoch.node = $1 ORDER BY epoch.id DESC, boot.boot DESC`,
    [node],
  );
  const times = await readTimes(db, [...new Set(rows.map(({ epoch_id }) => epoch_id))]);
  for (const { epoch_id, boot, last_ns } of rows) times.get(epoch_id)?.times.seen(Number(boot), last_ns);
  return rows.map(({ epoch_id, epoch, boot, software }) => ({
    ...{ epoch, boot: Number(boot), software: software ?? '' },
    start: (times.get(epoch_id)?.times ?? new Times()).at(Number(boot), 0n),
  }));
}

export async function sourceOf(db: Queries, streamId: bigint): Promise<StreamSource | undefined> {
  const [row] = await db.query<StreamListRow & { node: string; fleet_group: string }>(
    `SELECT stream.*, epoch.epoch, node.node, node.fleet_group, descriptor.title, descriptor.channels FROM stream
      JOIN epoch ON epoch.id = stream.epoch_id JOIN node ON node.node = epoch.node
      LEFT JOIN descriptor ON descriptor.epoch_id = epoch.id AND descriptor.stream = stream.name
      WHERE stream.id = $1 ORDER BY descriptor.version DESC LIMIT 1`,
    [streamId],
  );
  if (!row) return undefined;
  const { epoch, stream, logClass, title, channels } = streamOf(row);
  return {
    streamId,
    node: row.node,
    group: row.fleet_group as Group,
    epoch,
    stream,
    logClass,
    title,
    channels,
  };
}

/** The newest that has come. */
export async function descriptorOf(db: Queries, streamId: bigint): Promise<Descriptor | undefined> {
  const [row] = await db.query<{
    stream: string;
    version: bigint;
    title: string;
    class: string;
    channels: string;
  }>(
    `SELECT descriptor.stream, descriptor.version, descriptor.title, descriptor.class, descriptor.channels FROM stream
      JOIN descriptor ON descriptor.epoch_id = stream.epoch_id AND descriptor.stream = stream.name
      WHERE stream.id = $1 ORDER BY descriptor.version DESC LIMIT 1`,
    [streamId],
  );
  if (!row) return undefined;
  return {
    ...{
      stream: row.stream,
      version: Number(row.version),
      title: row.title,
      class: row.class as StreamClass,
    },
    channels: JSON.parse(row.channels) as Channel[],
  };
}
