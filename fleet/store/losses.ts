import type { GapCause } from '../../wire/index.js';
import type { Queries } from '../db/index.js';
import type { Store } from './types.js';

/** In the order of the numbers; an open one last. */
export async function gapsOf(db: Queries, node: string): ReturnType<Store['gaps']> {
  const rows = await db.query<{
    epoch: string;
    stream: string;
    first: bigint;
    last: bigint | null;
    cause: string;
    at_most: bigint;
    learned_ms: bigint;
  }>(
    `SELECT epoch.id AS epoch_id, epoch.epoch, stream.name AS stream, extent.first, extent.last, extent.what AS cause, extent.at_most,
        extent.learned_ms
      FROM epoch JOIN stream ON stream.epoch_id = epoch.id JOIN extent ON extent.stream_id = stream.id
      WHERE epoch.node = $1 AND extent.what <> 'received'
      UNION ALL SELECT epoch.id, epoch.epoch, stream.name, stream.open_from, NULL, stream.open_cause, 1, stream.open_learned_ms
      FROM epoch JOIN stream ON stream.epoch_id = epoch.id WHERE epoch.node = $1 AND stream.open_from IS NOT NULL
      ORDER BY epoch_id, stream, first LIMIT 10000`,
    [node],
  );
  return rows.map(({ epoch, stream, first, last, cause, at_most, learned_ms }) => ({
    ...{ epoch, stream, first, last: last ?? undefined, cause: cause as GapCause },
    ...{ atMost: at_most === 1n, learnedMs: Number(learned_ms) },
  }));
}

export async function conflictsOf(db: Queries, node: string): ReturnType<Store['conflicts']> {
  const rows = await db.query<{
    epoch: string;
    stream: string;
    first: bigint;
    count: bigint;
    crc: bigint;
    received_ms: bigint;
  }>(
    `SELECT epoch.epoch, stream.name AS stream, conflict.first, conflict.count, conflict.crc, conflict.received_ms
      FROM epoch JOIN stream ON stream.epoch_id = epoch.id JOIN conflict ON conflict.stream_id = stream.id
      WHERE epoch.node = $1 ORDER BY conflict.received_ms DESC, stream.name, conflict.first LIMIT 10000`,
    [node],
  );
  return rows.map(({ epoch, stream, first, count, crc, received_ms }) => ({
    ...{ epoch, stream, first, count, crc: Number(crc), receivedMs: Number(received_ms) },
  }));
}
