import { quoted, type SqlDashboard, variable } from './sql-panel.js';

const NODE = `node = ${quoted('node')}`;
const STREAM = `${NODE} AND stream = ${quoted('stream')}`;
const WITHIN = '$__unixEpochNanoFilter(wall_ns)';
/** As wide as a point of the panel; BIGINT, since integers of four bytes hold 2 s of ns. */
const BUCKET = 'wall_ns / ($__interval_ms * 1000000::bigint)';

/** The channel in each version of its stream; asked for once, not for each row. */
const CHANNEL = `WITH channel AS MATERIALIZED (SELECT stream_id, version, versions, place FROM view_channel
    WHERE ${STREAM} AND channel = ${quoted('channel')}),
  reading AS (SELECT line.stream_id, line.seq, line.wall_ns, line.v[channel.place] AS value
    FROM view_row AS line JOIN channel
      ON channel.stream_id = line.stream_id AND (channel.versions = 1 OR channel.version = line.version)
    WHERE ${WITHIN})`;

/** Means of channels of the stream `self`: what a node says of itself. */
const selfSql = (
  channels: string,
) => `SELECT to_timestamp(min(wall_ns) / 1e9) AS time, channel AS metric, avg(value) AS value
  FROM view_reading WHERE ${NODE} AND stream = 'self' AND channel IN (${channels}) AND ${WITHIN}
  GROUP BY channel, ${BUCKET} ORDER BY 1`;

export const NODE_DASHBOARD: SqlDashboard = {
  uid: 'cairn-node',
  title: 'Cairn: node',
  variables: [
    variable('node', 'Node', 'SELECT node AS __value, name AS __text FROM view_node ORDER BY name, node'),
    variable(
      'stream',
      'Stream',
      `SELECT DISTINCT stream FROM view_stream WHERE ${NODE} AND NOT is_log AND class <> 'meta' ORDER BY stream`,
    ),
    variable(
      'channel',
      'Channel',
      `SELECT channel FROM view_channel WHERE ${STREAM} AND is_newest GROUP BY channel ORDER BY min(place)`,
    ),
  ],
  panels: [
    {
      title: 'Readings',
      description: 'The line is broken where rows are lost or missing.',
      kind: 'lines',
      width: 24,
      // The break: a µs after the last row before a hole.
      sql: `${CHANNEL} SELECT to_timestamp(min(wall_ns) / 1e9) AS time, avg(value) AS mean, min(value) AS min, max(value) AS max
      FROM reading GROUP BY ${BUCKET}
      UNION ALL SELECT to_timestamp((from_ns + 1000) / 1e9), NULL, NULL, NULL
      FROM view_hole WHERE ${STREAM} AND $__unixEpochNanoFilter(from_ns) ORDER BY 1`,
    },
    {
      title: 'Holes',
      kind: 'table',
      width: 12,
      sql: `SELECT to_timestamp(from_ns / 1e9) AS "after", to_timestamp(to_ns / 1e9) AS "before", hole_rows, causes, first, last
      FROM view_hole WHERE ${STREAM} AND (from_ns IS NULL OR from_ns <= $__unixEpochNanoTo())
        AND (to_ns IS NULL OR to_ns >= $__unixEpochNanoFrom()) ORDER BY first DESC LIMIT 1000`,
    },
    {
      title: 'Uncertainty of times',
      kind: 'lines',
      width: 12,
      unit: 'ms',
      sql: `${CHANNEL} SELECT to_timestamp(bucket.wall_ns / 1e9) AS time, (SELECT uncertainty_ns / 1e6 FROM view_block AS block
        WHERE block.stream_id = bucket.stream_id AND block.first <= bucket.seq ORDER BY block.first DESC LIMIT 1) AS "±"
      FROM (SELECT stream_id, min(wall_ns) AS wall_ns, max(seq) AS seq FROM reading GROUP BY stream_id, ${BUCKET}) AS bucket
      ORDER BY 1`,
    },
    {
      title: 'Health: temperature (°C), load, CPU and disk in use (%)',
      kind: 'lines',
      width: 12,
      sql: selfSql(`'temperature', 'load', 'cpuUse', 'diskUse'`),
    },
    {
      title: 'Health: memory and disk left',
      kind: 'lines',
      width: 12,
      unit: 'bytes',
      sql: selfSql(`'memoryAvailable', 'diskFree'`),
    },
    {
      title: 'Boots',
      kind: 'table',
      width: 12,
      sql: `SELECT started, last_row, boot, software, epoch FROM view_boot WHERE ${NODE} ORDER BY epoch, boot DESC LIMIT 1000`,
    },
    {
      title: 'Streams',
      kind: 'table',
      width: 12,
      sql: `SELECT stream, class, epoch, received, lost_rows, produced, duplicates, conflicts, latest AS newest_reading
      FROM view_stream WHERE ${NODE} ORDER BY stream, epoch`,
    },
  ],
};
