import type { Migration } from '../db/index.js';

/** JSON that somebody else wrote: PostgreSQL refuses `\u0000` and half surrogate pairs, and with them all rows of the query. */
const json = (column: string) =>
  String.raw`regexp_replace(${column}, '\\u(0000|d[0-9a-f]{3})', '\\ufffd', 'g')::json`;
const at = (ns: string) => `to_timestamp((${ns}) / 1e9)`;
const OF_A_STREAM = 'JOIN epoch ON epoch.id = stream.epoch_id JOIN node ON node.node = epoch.node';

/** The state is that of fleet/store/nodes.ts. */
const NODE = `SELECT node.node, COALESCE(node.name, node.node) AS name, fleet_group AS node_group,
    CASE WHEN ${json('status')} ->> 'state' = 'stopped' OR silent.ms >= 86400000 THEN 'silent'
      WHEN silent.ms > greatest(3 * rhythm_ms, 10000) THEN 'late'
      WHEN clock.ms - backlog_ms < 30000 THEN 'backlog' ELSE 'live' END AS state,
    to_timestamp(heard_ms / 1e3) AS heard, ${at('latest_ns')} AS latest, latitude, longitude, lost_rows
  FROM node, LATERAL (SELECT (extract(epoch FROM now()) * 1000)::bigint AS ms) AS clock,
    LATERAL (SELECT clock.ms - heard_ms AS ms) AS silent`;

const STREAM = `SELECT stream.id AS stream_id, epoch.node, COALESCE(node.name, node.node) AS name, node.fleet_group AS node_group,
    epoch.epoch, stream.name AS stream, stream.class, stream.is_log = 1 AS is_log, received, stream.lost_rows, stream.next AS produced,
    duplicates, conflicts, contradictions, ${at('stream.latest_ns')} AS latest
  FROM stream ${OF_A_STREAM}`;

const LOSS = `SELECT stream.id AS stream_id, epoch.node, node.fleet_group AS node_group, stream.name AS stream, lost.key AS cause,
    lost.value::bigint AS lost_rows
  FROM stream ${OF_A_STREAM}, LATERAL json_each_text(stream.lost::json) AS lost`;

/** `place` counts from 1, as arrays of PostgreSQL do. */
const CHANNEL = `SELECT stream.id AS stream_id, epoch.node, stream.name AS stream, descriptor.version, channel.place,
    channel.value ->> 'name' AS channel, channel.value ->> 'quantity' AS quantity,
    descriptor.version = (SELECT max(version) FROM descriptor AS newer
      WHERE newer.epoch_id = descriptor.epoch_id AND newer.stream = descriptor.stream) AS is_newest,
    (SELECT count(*) FROM descriptor AS one
      WHERE one.epoch_id = descriptor.epoch_id AND one.stream = descriptor.stream) AS versions
  FROM descriptor JOIN stream ON stream.epoch_id = descriptor.epoch_id AND stream.name = descriptor.stream
    JOIN epoch ON epoch.id = stream.epoch_id,
    LATERAL json_array_elements(${json('descriptor.channels')}) WITH ORDINALITY AS channel (value, place)`;

/** `version` is looked up in its block: ask for it only where a stream had several. */
const ROW = `SELECT epoch.node, stream.name AS stream, reading.stream_id, reading.seq, reading.wall_ns, ${at('reading.wall_ns')} AS time,
    reading.v, reading.quality, (SELECT block.version FROM block
      WHERE block.stream_id = reading.stream_id AND block.first <= reading.seq ORDER BY block.first DESC LIMIT 1) AS version
  FROM reading JOIN stream ON stream.id = reading.stream_id JOIN epoch ON epoch.id = stream.epoch_id`;

/** A row a channel. For many rows of one channel it is quicker to ask `view_channel` first (grafana/node.ts). */
const READING = `SELECT line.node, line.stream, line.stream_id, line.seq, line.wall_ns, line.time, channel.channel, channel.quantity,
    line.v[channel.place] AS value, COALESCE(substr(line.quality, channel.place::int, 1), 'g') AS quality
  FROM view_row AS line JOIN view_channel AS channel
    ON channel.stream_id = line.stream_id AND (channel.versions = 1 OR channel.version = line.version)`;

const BLOCK = `SELECT block.stream_id, epoch.node, stream.name AS stream, block.first, block.count, block.boot,
    block.wall_first_ns, block.wall_last_ns, block.uncertainty_ns, to_timestamp(block.received_ms / 1e3) AS received
  FROM block JOIN stream ON stream.id = block.stream_id JOIN epoch ON epoch.id = stream.epoch_id`;

/** Numbers that aren't there, between the times of their neighbours; the end of those at the end is open. */
const HOLE = `SELECT hole.stream_id, epoch.node, stream.name AS stream, hole.first, hole.last, hole.last - hole.first + 1 AS hole_rows,
    (SELECT wall_last_ns FROM block WHERE block.stream_id = hole.stream_id AND block.first < hole.first
      AND wall_last_ns IS NOT NULL ORDER BY block.first DESC LIMIT 1) AS from_ns,
    (SELECT wall_first_ns FROM block WHERE block.stream_id = hole.stream_id AND block.first > hole.last
      AND wall_first_ns IS NOT NULL ORDER BY block.first LIMIT 1) AS to_ns,
    COALESCE((SELECT string_agg(DISTINCT gap.what, ', ') FROM extent AS gap WHERE gap.stream_id = hole.stream_id
      AND gap.what <> 'received' AND gap.first <= hole.last AND gap.last >= hole.first), 'missing') AS causes
  FROM stream JOIN epoch ON epoch.id = stream.epoch_id
    JOIN extent ON extent.stream_id = stream.id AND extent.what = 'received', LATERAL (SELECT stream.id AS stream_id,
      extent.last + 1 AS first, COALESCE((SELECT min(later.first) FROM extent AS later WHERE later.stream_id = stream.id
        AND later.what = 'received' AND later.first > extent.last), stream.next) - 1 AS last) AS hole
  WHERE hole.last >= hole.first`;

/** Levels as in wire/records.ts. */
const LOG = `SELECT log_line.at_ns, ${at('log_line.at_ns')} AS time, log_line.level AS level_number,
    (ARRAY['debug', 'info', 'warn', 'error'])[log_line.level + 1] AS level,
    epoch.node, COALESCE(node.name, node.node) AS name, log_line.module, log_line.text
  FROM log_line JOIN stream ON stream.id = log_line.stream_id ${OF_A_STREAM}`;

const BOOT = `SELECT epoch.node, epoch.epoch, boot.boot, boot.software, ${at('start.ns')} AS started, ${at('start.ns + boot.last_ns')} AS last_row
  FROM boot JOIN epoch ON epoch.id = boot.epoch_id LEFT JOIN LATERAL (SELECT wall_ns - mono_ns AS ns FROM anchor
    WHERE anchor.epoch_id = boot.epoch_id AND anchor.boot = boot.boot ORDER BY uncertainty_ns, mono_ns LIMIT 1) AS start ON true`;

const ALERT = `SELECT alert.id AS alert_id, ${json('rule.spec')} ->> 'name' AS rule, alert.severity, alert.state, alert.node,
    COALESCE(node.name, alert.node) AS name, alert.node_group, alert.stream, alert.detail, alert.peak, alert.opened_ms,
    to_timestamp(alert.opened_ms / 1e3) AS opened, to_timestamp(alert.closed_ms / 1e3) AS closed, alert.closed_why,
    to_timestamp(alert.acked_ms / 1e3) AS acknowledged, alert.acked_by AS acknowledged_by, alert.held
  FROM alert JOIN rule ON rule.id = alert.rule_id LEFT JOIN node ON node.node = alert.node`;

const DELIVERY = `SELECT delivery.alert_id, delivery.reason, delivery.target, delivery.state, delivery.attempts, delivery.error,
    delivery.created_ms, to_timestamp(delivery.created_ms / 1e3) AS created, to_timestamp(delivery.done_ms / 1e3) AS done
  FROM delivery`;

/** What outside tools read: their contract, whatever becomes of the tables. In the order in which they take from each other. */
export const VIEWS = {
  view_node: NODE,
  view_stream: STREAM,
  view_loss: LOSS,
  view_channel: CHANNEL,
  view_row: ROW,
  view_reading: READING,
  view_block: BLOCK,
  view_hole: HOLE,
  view_log: LOG,
  view_boot: BOOT,
  view_refusal: 'SELECT cause, count FROM refusal',
  view_alert: ALERT,
  view_delivery: DELIVERY,
} as const;

/**
 * After those of the store and of alerts; a file of SQLite has none. A later step that changes a column of which a view takes drops the view and makes
 * it again.
 */
export const VIEW_MIGRATIONS: readonly Migration[] = [
  {
    id: 'views-1',
    statements: (dialect) =>
      dialect === 'sqlite'
        ? []
        : Object.entries(VIEWS).map(([name, select]) => `CREATE VIEW ${name} AS ${select}`),
  },
];
