import type { Anchor, BootRecord, Descriptor, Gap, MetaRecord } from '../../wire/index.js';
import type { Queries } from '../db/index.js';
import { clean } from './given.js';
import { type EpochState, keyOf, type Named } from './names.js';
import { queueRepair } from './repair-queue.js';

const MAX_DESCRIPTORS = 1_024;
const MAX_BOOTS = 1_024;
const MAX_UNREAD = 1_024;
/** Of a boot; as many as `Times` keeps. */
const MAX_ANCHORS = 512;

/** Learns a record of a meta block. False: it found no room. */
export async function applyRecord(
  tx: Queries,
  named: Named,
  epoch: EpochState,
  record: MetaRecord,
  nowMs: number,
): Promise<boolean> {
  switch (record.kind) {
    case 'descriptor':
      return storeDescriptor(tx, epoch.row.id, record.value);
    case 'boot':
      await applyBoot(tx, epoch.row.id, record.value);
      return true;
    case 'anchor':
      await applyAnchor(tx, epoch, record.value);
      return true;
    case 'gap':
      return applyGap(named, epoch.row.node, record.value, nowMs);
  }
}

/** False: it found no room. */
export async function storeDescriptor(
  tx: Queries,
  epochId: bigint,
  descriptor: Descriptor,
): Promise<boolean> {
  const { stream, version, title, channels } = descriptor;
  const hasRoom = await isWithin(
    tx,
    'SELECT count(*) AS count FROM descriptor WHERE epoch_id = $1 AND NOT (stream = $2 AND version = $3)',
    [epochId, stream, BigInt(version)],
    MAX_DESCRIPTORS,
  );
  if (!hasRoom) return false;
  await tx.query(
    `INSERT INTO descriptor (epoch_id, stream, version, title, class, channels) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (epoch_id, stream, version) DO UPDATE SET title = excluded.title, class = excluded.class, channels = excluded.channels`,
    [epochId, stream, BigInt(version), clean(title), descriptor.class, JSON.stringify(channels)],
  );
  return true;
}

/** Of too many boots the oldest go: a node that is switched on ten times a day has as many in months, and times know as many boots. */
async function applyBoot(
  tx: Queries,
  epochId: bigint,
  { boot, bootId, software }: BootRecord,
): Promise<void> {
  await tx.query(
    `INSERT INTO boot (epoch_id, boot, boot_id, software, last_ns) VALUES ($1, $2, $3, $4, 0)
      ON CONFLICT (epoch_id, boot) DO UPDATE SET boot_id = excluded.boot_id, software = excluded.software`,
    [epochId, BigInt(boot), clean(bootId), clean(software)],
  );
  await dropOldBoots(tx, epochId);
}

export async function dropOldBoots(tx: Queries, epochId: bigint): Promise<void> {
  const [oldest] = await tx.query<{ boot: bigint }>(
    `SELECT boot FROM boot WHERE epoch_id = $1 ORDER BY boot DESC LIMIT 1 OFFSET ${MAX_BOOTS}`,
    [epochId],
  );
  if (!oldest) return;
  for (const table of ['boot', 'anchor', 'repair'])
    await tx.query(`DELETE FROM ${table} WHERE epoch_id = $1 AND boot <= $2`, [epochId, oldest.boot]);
}

async function applyAnchor(tx: Queries, epoch: EpochState, anchor: Anchor): Promise<void> {
  const { row, times } = epoch;
  const { boot, monotonicNs, wallNs, uncertaintyNs, source } = anchor;
  const [changed] = await tx.query(
    `INSERT INTO anchor (epoch_id, boot, mono_ns, wall_ns, uncertainty_ns, source) VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (epoch_id, boot, mono_ns) DO UPDATE
        SET wall_ns = excluded.wall_ns, uncertainty_ns = excluded.uncertainty_ns, source = excluded.source
        WHERE anchor.wall_ns <> excluded.wall_ns OR anchor.uncertainty_ns <> excluded.uncertainty_ns
      RETURNING boot`,
    [row.id, BigInt(boot), monotonicNs, wallNs, uncertaintyNs, source],
  );
  if (!changed) return;
  times.times.anchor(anchor);
  await thinAnchors(tx, epoch, boot);
  await tx.query(
    `INSERT INTO boot (epoch_id, boot, last_ns) VALUES ($1, $2, $3) ON CONFLICT (epoch_id, boot) DO UPDATE
      SET last_ns = CASE WHEN excluded.last_ns > boot.last_ns THEN excluded.last_ns ELSE boot.last_ns END`,
    [row.id, BigInt(boot), monotonicNs],
  );
  await dropOldBoots(tx, row.id);
  row.anchors_version += 1n;
  await tx.query('UPDATE epoch SET anchors_version = $2 WHERE id = $1', [row.id, row.anchors_version]);
  await queueRepair(tx, row.id, anchor, anchorsOf(epoch, boot));
}

function anchorsOf({ times }: EpochState, boot: number): readonly Anchor[] {
  return times.times.anchors().filter((one) => one.boot === boot);
}

/** The database forgets those that `Times` left out. */
async function thinAnchors(tx: Queries, epoch: EpochState, boot: number): Promise<void> {
  const kept = anchorsOf(epoch, boot);
  if (kept.length < MAX_ANCHORS) return;
  const stored = await tx.query<{ mono_ns: bigint }>(
    'SELECT mono_ns FROM anchor WHERE epoch_id = $1 AND boot = $2',
    [epoch.row.id, BigInt(boot)],
  );
  const still = new Set(kept.map(({ monotonicNs }) => monotonicNs));
  for (const { mono_ns } of stored)
    if (!still.has(mono_ns))
      await tx.query('DELETE FROM anchor WHERE epoch_id = $1 AND boot = $2 AND mono_ns = $3', [
        epoch.row.id,
        BigInt(boot),
        mono_ns,
      ]);
}

/** A gap names its own epoch, often an earlier one. */
function applyGap(named: Named, node: string, gap: Gap, nowMs: number): boolean {
  const stream = named.streams.get(keyOf(node, gap.epoch, gap.stream));
  if (!stream) return false;
  if (gap.last !== undefined) return stream.gap(gap.cause, { first: gap.first, last: gap.last }, gap.atMost);
  const { row } = stream;
  stream.touched = true;
  stream.isOdd = true;
  if (row.open_from !== null && row.open_from <= gap.first) return true;
  row.open_from = BigInt(gap.first);
  row.open_cause = gap.cause;
  row.open_learned_ms = BigInt(nowMs);
  return true;
}

/** Keeps a record of a later version. False: it found no room. */
export async function keepUnread(tx: Queries, epochId: bigint, bytes: Uint8Array): Promise<boolean> {
  const record = Buffer.from(bytes).toString('base64');
  const count = 'SELECT count(*) AS count FROM unread_record WHERE epoch_id = $1 AND record <> $2';
  if (!(await isWithin(tx, count, [epochId, record], MAX_UNREAD))) return false;
  await tx.query('INSERT INTO unread_record (epoch_id, record) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    epochId,
    record,
  ]);
  return true;
}

async function isWithin(
  tx: Queries,
  count: string,
  values: readonly (bigint | string)[],
  max: number,
): Promise<boolean> {
  const [row] = await tx.query<{ count: bigint }>(count, values);
  return Number(row?.count ?? 0n) < max;
}
