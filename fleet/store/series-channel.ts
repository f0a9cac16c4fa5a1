import type { Channel } from '../../drivers/contract/index.js';
import type { Dialect, Queries } from '../db/index.js';

export interface ChannelValue {
  readonly channel: Channel;
  /** Its value in a row of `reading`, as SQL. */
  readonly sql: string;
}

/** A channel of the newest descriptor. Rows of an earlier one have it where its name and quantity stand there, or don't have it. */
export async function channelValue(
  db: Queries,
  streamId: bigint,
  at: number,
): Promise<ChannelValue | undefined> {
  const rows = await db.query<{ version: bigint; channels: string }>(
    `SELECT descriptor.version, descriptor.channels FROM stream JOIN descriptor ON descriptor.epoch_id = stream.epoch_id
      AND descriptor.stream = stream.name WHERE stream.id = $1 ORDER BY descriptor.version DESC`,
    [streamId],
  );
  const versions = rows.map(({ version, channels }) => ({
    version,
    channels: JSON.parse(channels) as Channel[],
  }));
  const channel = versions[0]?.channels[at];
  if (!channel) return undefined;
  const places = new Map(
    versions.map(({ version, channels }) => [
      version,
      channels.findIndex(({ name, quantity }) => name === channel.name && quantity === channel.quantity),
    ]),
  );
  const isSame = [...places.values()].every((place) => place === at);
  return { channel, sql: isSame ? valueAt(db.dialect, at) : await valueByVersion(db, streamId, places) };
}

function valueAt(dialect: Dialect, at: number): string {
  return dialect === 'postgres' ? `v[${at + 1}]` : `CAST(json_extract(v, '$[${at}]') AS REAL)`;
}

/** Versions only grow, so the numbers of each are one range. */
async function valueByVersion(
  db: Queries,
  streamId: bigint,
  places: ReadonlyMap<bigint, number>,
): Promise<string> {
  const ranges = await db.query<{ version: bigint; first: bigint; last: bigint }>(
    'SELECT version, min(first) AS first, max(first + count) - 1 AS last FROM block WHERE stream_id = $1 GROUP BY version',
    [streamId],
  );
  const cases = ranges.flatMap(({ version, first, last }) => {
    const place = places.get(version) ?? -1;
    return place < 0 ? [] : [`WHEN seq BETWEEN ${first} AND ${last} THEN ${valueAt(db.dialect, place)}`];
  });
  return cases.length === 0 ? 'CAST(NULL AS DOUBLE PRECISION)' : `CASE ${cases.join(' ')} END`;
}
