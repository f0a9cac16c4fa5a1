import type { Channel } from '../../drivers/contract/index.js';
import type { Queries } from '../db/index.js';
import type { Reading, StreamRef, Taken } from '../store/types.js';
import type { Facts } from './types.js';

/** Rows of one stream that came together. */
export interface Batch {
  readonly ref: StreamRef;
  /** Of the descriptor; 0 where the rows bring their own channels. */
  readonly version: number;
  readonly channels?: readonly Channel[];
  readonly boot: number;
  readonly rows: readonly Reading[];
  /** A row each, of the boot's clock. */
  readonly ms: readonly number[];
  /** Kept until its descriptor came. */
  readonly isLate?: true;
}

/** A block whose descriptor doesn't come for so long, or that is not among the newest, is judged no more: its rows are in the store. */
const MAX_WAIT_MS = 30 * 86_400_000;
const MAX_WAITING = 20_000;
const AT_ONCE = 200;

export function batchesOf(taken: readonly Taken[]): readonly Batch[] {
  return taken.flatMap(({ incoming, stream: ref, readings: rows }): Batch[] => {
    if (!ref || rows.length === 0) return [];
    if (incoming.kind === 'pack') {
      const ms = rows.map(({ wallNs }) => Number(wallNs ?? 0n) / 1e6);
      return [{ ref, version: 0, channels: incoming.channels, boot: 0, rows, ms }];
    }
    const { header, rows: native } = incoming;
    const ms = rows.map(({ sequence }) => Number(native.timesNs[Number(sequence) - header.first]) / 1e6);
    return [{ ref, version: header.descriptorVersion, boot: header.boot, rows, ms }];
  });
}

/** Keeps a batch for `takeUnjudged`. */
export async function keepUnjudged(tx: Queries, batch: Batch, nowMs: number): Promise<void> {
  const { ref, version, boot, rows, ms } = batch;
  await tx.query(
    `INSERT INTO unjudged (stream_id, version, first, node, ref, rows, received_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (stream_id, first) DO NOTHING`,
    [
      ref.streamId,
      BigInt(version),
      rows[0]!.sequence,
      ref.node,
      JSON.stringify({ ...ref, streamId: undefined }),
      JSON.stringify({ boot, ms, rows: rows.map(frozen) }),
      BigInt(nowMs),
    ],
  );
}

/** Gives up what has waited for too long; how many blocks. */
export async function dropUnjudged(on: Queries, nowMs: number): Promise<number> {
  const dropped = await on.query(
    `DELETE FROM unjudged WHERE received_ms < $1 OR received_ms <
     (SELECT received_ms FROM unjudged ORDER BY received_ms DESC LIMIT 1 OFFSET ${MAX_WAITING}) RETURNING first`,
    [BigInt(nowMs - MAX_WAIT_MS)],
  );
  return dropped.length;
}

/** Takes out the batches whose descriptor came since. */
export async function takeUnjudged(tx: Queries, facts: Facts): Promise<readonly Batch[]> {
  const waiting = await tx.query<{ stream_id: bigint; version: bigint; node: string }>(
    // Nodes are locked in this order everywhere.
    'SELECT DISTINCT stream_id, version, node FROM unjudged ORDER BY node, stream_id, version',
  );
  const ready: Batch[] = [];
  for (const { stream_id: streamId, version, node } of waiting) {
    const channels = await facts.channels(tx, streamId, Number(version));
    if (!channels) continue;
    await facts.lock(tx, [node]);
    const rows = await tx.query<{ first: bigint; ref: string; rows: string }>(
      `DELETE FROM unjudged WHERE stream_id = $1 AND version = $2 AND first IN
       (SELECT first FROM unjudged WHERE stream_id = $1 AND version = $2 ORDER BY first LIMIT ${AT_ONCE})
       RETURNING first, ref, rows`,
      [streamId, version],
    );
    for (const row of rows) {
      const ref = { ...(JSON.parse(row.ref) as Omit<StreamRef, 'streamId'>), streamId };
      const { boot, ms, rows: kept } = JSON.parse(row.rows) as Kept;
      ready.push({ ref, version: Number(version), channels, boot, ms, rows: kept.map(thawed), isLate: true });
    }
    if (ready.length >= AT_ONCE) break;
  }
  return ready;
}

type Frozen = Omit<Reading, 'sequence' | 'wallNs'> & { readonly sequence: string; readonly wallNs?: string };
type Kept = Pick<Batch, 'boot' | 'ms'> & { readonly rows: readonly Frozen[] };

function frozen({ sequence, wallNs, ...row }: Reading): Frozen {
  return { ...row, sequence: String(sequence), ...(wallNs === undefined ? {} : { wallNs: String(wallNs) }) };
}

function thawed({ sequence, wallNs, ...row }: Frozen): Reading {
  return { ...row, sequence: BigInt(sequence), wallNs: wallNs === undefined ? undefined : BigInt(wallNs) };
}
