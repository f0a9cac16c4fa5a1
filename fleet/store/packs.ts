import type { Channel } from '../../drivers/contract/index.js';
import type { Queries } from '../db/index.js';
import { duplicate, type Judged, refused } from './judged.js';
import { storeDescriptor } from './meta.js';
import { isBelievable } from './row-times.js';
import { type PackDescriptor, rowsOfPack } from './rows.js';
import type { StreamState } from './stream-state.js';
import type { IncomingPack } from './types.js';

/** So long a pack that comes again is known for a double. */
const REMEMBERED_MS = 30n * 86_400_000n;
const MAX_ROWS = 4_096;
const MAX_CHANNELS = 64;
const MAX_NAME = 128;
const MAX_SEQUENCE = 2 ** 53 - 1;

/** The rows of who has no numbers get the next ones. */
export async function judgePack(
  tx: Queries,
  stream: StreamState,
  pack: IncomingPack,
  nowMs: number,
): Promise<Judged> {
  const { row } = stream;
  const count = pack.wallNs.length;
  const wrong = wrongOf(pack) ?? (row.is_log === 1n ? `${row.name} holds log lines` : undefined);
  if (wrong) return refused(pack, wrong, stream);
  const first = Number(row.next);
  if (first + count > MAX_SEQUENCE) return refused(pack, `no numbers are left for ${row.name}`, stream);
  const identity = Buffer.from(pack.identity).toString('hex');
  const known = await tx.query('SELECT 1 AS known FROM pack WHERE stream_id = $1 AND identity = $2', [
    row.id,
    identity,
  ]);
  if (known.length > 0) return duplicate(pack, stream);
  const descriptor = await descriptorOf(tx, row, pack);
  if (!descriptor) return refused(pack, `no room for a descriptor of ${row.name}`, stream);
  row.class = pack.logClass;
  row.is_log = 0n;
  await remember(tx, row.id, identity, BigInt(nowMs));
  stream.receive(first, count, 0);
  const rows = rowsOfPack(pack, first, descriptor, (wallNs) => isBelievable(wallNs, nowMs));
  return { incoming: pack, verdict: 'new', stream, rows };
}

function wrongOf({ device, stream, channels, wallNs, values, texts }: IncomingPack): string | undefined {
  const cells = wallNs.length * channels.length;
  if (device.length < 1 || device.length > MAX_NAME || stream.length < 1 || stream.length > MAX_NAME)
    return `names have 1 to ${MAX_NAME} characters`;
  if (wallNs.length < 1 || wallNs.length > MAX_ROWS) return `a pack has 1 to ${MAX_ROWS} rows`;
  if (channels.length < 1 || channels.length > MAX_CHANNELS) return `a row has 1 to ${MAX_CHANNELS} channels`;
  const isWhole = values.length === cells && (texts?.length ?? cells) === cells;
  return isWhole ? undefined : `${values.length} values are not ${wallNs.length} rows of ${channels.length}`;
}

/**
 * The stream's descriptor; a new one where its channels are others than before. Who has fewer, in their order, hasn't heard yet what another process learned.
 * Undefined: no room.
 */
async function descriptorOf(
  tx: Queries,
  row: StreamState['row'],
  { channels, logClass }: IncomingPack,
): Promise<PackDescriptor | undefined> {
  const [newest] = await tx.query<{ version: bigint; channels: string }>(
    'SELECT version, channels FROM descriptor WHERE epoch_id = $1 AND stream = $2 ORDER BY version DESC LIMIT 1',
    [row.epoch_id, row.name],
  );
  const had = newest ? (JSON.parse(newest.channels) as Channel[]) : [];
  if (newest && JSON.stringify(had.slice(0, channels.length)) === JSON.stringify(channels))
    return { version: Number(newest.version), width: had.length };
  const version = Number(newest?.version ?? 0n) + 1;
  const descriptor = { stream: row.name, version, title: row.name, class: logClass, channels };
  const isStored = await storeDescriptor(tx, row.epoch_id, descriptor);
  return isStored ? { version, width: channels.length } : undefined;
}

async function remember(tx: Queries, streamId: bigint, identity: string, nowMs: bigint): Promise<void> {
  await tx.query('INSERT INTO pack (stream_id, identity, received_ms) VALUES ($1, $2, $3)', [
    streamId,
    identity,
    nowMs,
  ]);
  await tx.query('DELETE FROM pack WHERE stream_id = $1 AND received_ms < $2', [
    streamId,
    nowMs - REMEMBERED_MS,
  ]);
}
