import type { Dialect, Migration } from '../db/index.js';

/** Numbers that the database gives. */
const ID = {
  sqlite: 'INTEGER PRIMARY KEY',
  postgres: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
};
const BYTES = { sqlite: 'BLOB', postgres: 'BYTEA' };
const REALS = { sqlite: 'TEXT', postgres: 'DOUBLE PRECISION[]' };
/** Rows that each block changes find room in their own page. */
const CHANGING = { sqlite: '', postgres: ' WITH (fillfactor = 50)' };
/** Of LOG_LEVELS. */
export const WARN = 2;
const TEXTS = { sqlite: 'TEXT', postgres: 'TEXT[]' };

export const STORE_MIGRATIONS: readonly Migration[] = [
  {
    id: 'store-1',
    statements: (dialect) => [
      ...nodes(dialect),
      ...metaRecords(dialect),
      ...ledger(dialect),
      ...readings(dialect),
      ...logLines(dialect),
    ],
  },
  // What retention took away: rows with numbers below `removed_to`, of these times.
  {
    id: 'store-2',
    statements: () => [
      'ALTER TABLE stream ADD COLUMN removed_rows BIGINT NOT NULL DEFAULT 0',
      'ALTER TABLE stream ADD COLUMN removed_to BIGINT NOT NULL DEFAULT 0',
      'ALTER TABLE stream ADD COLUMN removed_from_ns BIGINT',
      'ALTER TABLE stream ADD COLUMN removed_to_ns BIGINT',
    ],
  },
  // The log of one node, and what warns among millions of lines that don't.
  {
    id: 'store-3',
    statements: () => [
      'CREATE INDEX log_line_node ON log_line (stream_id, at_ns, seq)',
      `CREATE INDEX log_line_warn ON log_line (at_ns, seq, stream_id) WHERE level >= ${WARN}`,
    ],
  },
  {
    // Beside the row of the node, which each block writes anew.
    id: 'store-4',
    statements: () => [
      `CREATE TABLE node_health (
        node TEXT PRIMARY KEY REFERENCES node, at_ms BIGINT NOT NULL, said TEXT NOT NULL, cause TEXT)`,
    ],
  },
];

function nodes(dialect: Dialect): readonly string[] {
  return [
    `CREATE TABLE node (
      node TEXT PRIMARY KEY, name TEXT, fleet_group TEXT NOT NULL DEFAULT 'dev', status TEXT,
      heard_ms BIGINT NOT NULL, rhythm_ms BIGINT NOT NULL, backlog_ms BIGINT,
      latest_ns BIGINT, latitude DOUBLE PRECISION, longitude DOUBLE PRECISION, position_ns BIGINT,
      lost_rows BIGINT NOT NULL DEFAULT 0)${CHANGING[dialect]}`,
    `CREATE TABLE epoch (
      id ${ID[dialect]}, node TEXT NOT NULL REFERENCES node, epoch TEXT NOT NULL,
      first_heard_ms BIGINT NOT NULL, anchors_version BIGINT NOT NULL DEFAULT 0, UNIQUE (node, epoch))`,
    `CREATE TABLE stream (
      id ${ID[dialect]}, epoch_id BIGINT NOT NULL REFERENCES epoch, name TEXT NOT NULL, class TEXT, is_log BIGINT,
      received BIGINT NOT NULL DEFAULT 0, next BIGINT NOT NULL DEFAULT 0, received_ranges BIGINT NOT NULL DEFAULT 0,
      duplicates BIGINT NOT NULL DEFAULT 0, conflicts BIGINT NOT NULL DEFAULT 0,
      contradictions BIGINT NOT NULL DEFAULT 0, gap_ranges BIGINT NOT NULL DEFAULT 0,
      lost TEXT NOT NULL DEFAULT '{}', lost_rows BIGINT NOT NULL DEFAULT 0,
      open_from BIGINT, open_cause TEXT, open_learned_ms BIGINT,
      latest_seq BIGINT, latest_ns BIGINT, latest TEXT, UNIQUE (epoch_id, name))${CHANGING[dialect]}`,
  ];
}

function metaRecords(dialect: Dialect): readonly string[] {
  return [
    `CREATE TABLE descriptor (
      epoch_id BIGINT NOT NULL REFERENCES epoch, stream TEXT NOT NULL, version BIGINT NOT NULL,
      title TEXT NOT NULL, class TEXT NOT NULL, channels TEXT NOT NULL, PRIMARY KEY (epoch_id, stream, version))`,
    `CREATE TABLE boot (
      epoch_id BIGINT NOT NULL REFERENCES epoch, boot BIGINT NOT NULL, boot_id TEXT, software TEXT,
      last_ns BIGINT NOT NULL, PRIMARY KEY (epoch_id, boot))${CHANGING[dialect]}`,
    `CREATE TABLE anchor (
      epoch_id BIGINT NOT NULL REFERENCES epoch, boot BIGINT NOT NULL, mono_ns BIGINT NOT NULL,
      wall_ns BIGINT NOT NULL, uncertainty_ns BIGINT NOT NULL, source TEXT NOT NULL,
      PRIMARY KEY (epoch_id, boot, mono_ns))`,
    `CREATE TABLE unread_record (
      epoch_id BIGINT NOT NULL REFERENCES epoch, record TEXT NOT NULL, PRIMARY KEY (epoch_id, record))`,
    `CREATE TABLE repair (
      epoch_id BIGINT NOT NULL REFERENCES epoch, boot BIGINT NOT NULL, from_ns BIGINT NOT NULL, to_ns BIGINT NOT NULL,
      after_stream BIGINT NOT NULL DEFAULT 0, after_ns BIGINT, after_first BIGINT NOT NULL DEFAULT -1,
      PRIMARY KEY (epoch_id, boot, from_ns))`,
    'CREATE TABLE refusal (cause TEXT PRIMARY KEY, count BIGINT NOT NULL)',
  ];
}

/** What was received, and what is accounted for without a reading: merged ranges, `what` is `received` or the cause of a gap. */
function ledger(dialect: Dialect): readonly string[] {
  return [
    `CREATE TABLE extent (
      stream_id BIGINT NOT NULL, what TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL,
      at_most BIGINT NOT NULL, learned_ms BIGINT NOT NULL, PRIMARY KEY (stream_id, what, first))${CHANGING[dialect]}`,
    `CREATE TABLE block (
      stream_id BIGINT NOT NULL, first BIGINT NOT NULL, count BIGINT NOT NULL, crc BIGINT NOT NULL,
      boot BIGINT NOT NULL, version BIGINT NOT NULL, first_ns BIGINT NOT NULL, last_ns BIGINT NOT NULL,
      wall_first_ns BIGINT, wall_last_ns BIGINT, uncertainty_ns BIGINT, received_ms BIGINT NOT NULL,
      PRIMARY KEY (stream_id, first))${dialect === 'sqlite' ? ' WITHOUT ROWID' : ''}`,
    'CREATE INDEX block_boot ON block (stream_id, boot, first_ns)',
    `CREATE TABLE conflict (
      stream_id BIGINT NOT NULL REFERENCES stream, first BIGINT NOT NULL, count BIGINT NOT NULL, crc BIGINT NOT NULL,
      received_ms BIGINT NOT NULL, bytes ${BYTES[dialect]} NOT NULL, PRIMARY KEY (stream_id, first, count, crc))`,
    `CREATE TABLE pack (
      stream_id BIGINT NOT NULL REFERENCES stream, identity TEXT NOT NULL, received_ms BIGINT NOT NULL,
      PRIMARY KEY (stream_id, identity))`,
    'CREATE INDEX pack_age ON pack (stream_id, received_ms)',
  ];
}

function readings(dialect: Dialect): readonly string[] {
  const columns = `stream_id BIGINT NOT NULL, seq BIGINT NOT NULL, mono_ns BIGINT NOT NULL, wall_ns BIGINT,
    v ${REALS[dialect]} NOT NULL, texts ${TEXTS[dialect]}, quality TEXT`;
  return [
    byDay(dialect, 'reading', columns, 'wall_ns'),
    // What has no time lies in a table of its own; its check spares each new day the look into it.
    ...(dialect === 'postgres'
      ? ['CREATE TABLE reading_timeless PARTITION OF reading (CHECK (wall_ns IS NULL)) DEFAULT']
      : []),
    'CREATE INDEX reading_time ON reading (stream_id, wall_ns, seq)',
  ];
}

/** `at_ns` is the time, or when it came where that isn't known. */
function logLines(dialect: Dialect): readonly string[] {
  const columns = `stream_id BIGINT NOT NULL, seq BIGINT NOT NULL, mono_ns BIGINT NOT NULL, wall_ns BIGINT,
    at_ns BIGINT NOT NULL, level BIGINT NOT NULL, module TEXT NOT NULL, text TEXT NOT NULL`;
  return [
    byDay(dialect, 'log_line', columns, 'at_ns'),
    'CREATE INDEX log_line_time ON log_line (at_ns, seq, stream_id)',
    'CREATE INDEX log_line_stream ON log_line (stream_id, wall_ns, seq)',
  ];
}

/** On PostgreSQL a table a day, made when its first row comes. */
function byDay(dialect: Dialect, table: string, columns: string, time: string): string {
  return `CREATE TABLE ${table} (${columns})${dialect === 'postgres' ? ` PARTITION BY RANGE (${time})` : ''}`;
}
