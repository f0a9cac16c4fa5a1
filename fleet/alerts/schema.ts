import type { Dialect, Migration } from '../db/index.js';

const identity = (dialect: Dialect) =>
  dialect === 'sqlite'
    ? 'INTEGER PRIMARY KEY AUTOINCREMENT'
    : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY';

export const ALERT_MIGRATIONS: readonly Migration[] = [
  {
    id: 'alerts-1',
    statements: (dialect) => [
      `CREATE TABLE rule (id ${identity(dialect)}, spec TEXT NOT NULL, since_ms BIGINT NOT NULL, retired_ms BIGINT,
        changed_by TEXT NOT NULL)`,
      // What is known of a stream under a rule: its segments; or since when it is known, and when it last moved or spoke.
      `CREATE TABLE track (rule_id BIGINT NOT NULL, stream_id BIGINT NOT NULL, node TEXT NOT NULL, stream TEXT NOT NULL,
        segments TEXT NOT NULL, floor BIGINT NOT NULL, since_ns BIGINT, moved_ns BIGINT, PRIMARY KEY (stream_id, rule_id))`,
      'CREATE INDEX track_rule ON track (rule_id)',
      `CREATE TABLE unjudged (stream_id BIGINT NOT NULL, version BIGINT NOT NULL, first BIGINT NOT NULL, node TEXT NOT NULL, ref TEXT NOT NULL,
        rows TEXT NOT NULL, received_ms BIGINT NOT NULL, PRIMARY KEY (stream_id, first))`,
      // subject: what it is about, one of a rule: a stream's id, or a node, or node/stream.
      `CREATE TABLE alert (id ${identity(dialect)}, rule_id BIGINT NOT NULL, subject TEXT NOT NULL, timed BIGINT NOT NULL,
        node TEXT NOT NULL, node_group TEXT NOT NULL, stream TEXT, stream_id BIGINT, severity TEXT NOT NULL, state TEXT NOT NULL,
        opened_seq BIGINT, first_seq BIGINT, last_seq BIGINT, closed_seq BIGINT, n_rows BIGINT, value DOUBLE PRECISION, peak DOUBLE PRECISION,
        since_ms BIGINT, detail TEXT, opened_ms BIGINT NOT NULL, closed_ms BIGINT, closed_why TEXT,
        acked_ms BIGINT, acked_by TEXT, acked_note TEXT,
        step BIGINT NOT NULL, next_step_ms BIGINT, held TEXT)`,
      `CREATE INDEX alert_open ON alert (opened_ms) WHERE state = 'open'`,
      `CREATE INDEX alert_by_time ON alert (opened_ms, id)`,
      `CREATE INDEX alert_by_node ON alert (node, opened_ms)`,
      'CREATE INDEX alert_by_subject ON alert (rule_id, subject, last_seq)',
      'CREATE INDEX alert_next_step ON alert (next_step_ms) WHERE next_step_ms IS NOT NULL',
      `CREATE UNIQUE INDEX alert_timed ON alert (rule_id, subject) WHERE state = 'open' AND timed = 1`,
      `CREATE TABLE delivery (id TEXT PRIMARY KEY, alert_id BIGINT NOT NULL, reason TEXT NOT NULL, step BIGINT NOT NULL,
        target TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL, due_ms BIGINT NOT NULL, lease TEXT,
        created_ms BIGINT NOT NULL, done_ms BIGINT, error TEXT, UNIQUE (alert_id, reason, step, target))`,
      `CREATE INDEX delivery_due ON delivery (due_ms) WHERE state = 'waiting'`,
      `CREATE TABLE maintenance (scope TEXT PRIMARY KEY, until_ms BIGINT NOT NULL, set_by TEXT NOT NULL, note TEXT NOT NULL)`,
    ],
  },
  {
    id: 'alerts-2',
    statements: () => [
      // When somebody was told first.
      'ALTER TABLE alert ADD COLUMN told_ms BIGINT',
      'CREATE INDEX alert_told ON alert (rule_id, told_ms) WHERE told_ms IS NOT NULL',
      `CREATE INDEX delivery_flood ON delivery (created_ms) WHERE reason = 'flood'`,
      'ALTER TABLE track ADD COLUMN newest_ns BIGINT',
      'CREATE TABLE listened (from_ms BIGINT PRIMARY KEY, until_ms BIGINT NOT NULL)',
    ],
  },
  {
    id: 'alerts-3',
    // Of noMotion: the newest row that moved while nobody knew when.
    statements: () => ['ALTER TABLE track ADD COLUMN unplaced_seq BIGINT'],
  },
];
