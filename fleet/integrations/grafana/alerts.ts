import type { SqlDashboard } from './sql-panel.js';

export const ALERTS: SqlDashboard = {
  uid: 'cairn-alerts',
  title: 'Cairn: alerts',
  variables: [],
  panels: [
    {
      title: 'Open, by severity',
      kind: 'table',
      width: 8,
      sql: `SELECT severity, count(*) AS open, count(*) FILTER (WHERE acknowledged IS NULL) AS unacknowledged
      FROM view_alert WHERE state = 'open' GROUP BY severity ORDER BY severity`,
    },
    {
      title: 'Open',
      kind: 'table',
      width: 16,
      sql: `SELECT opened, severity, rule, name, stream, detail, acknowledged_by, held
      FROM view_alert WHERE state = 'open' ORDER BY opened_ms DESC LIMIT 1000`,
    },
    {
      title: 'Opened',
      kind: 'bars',
      width: 24,
      sql: `SELECT min(opened) AS time, severity AS metric, count(*) AS value FROM view_alert
      WHERE opened_ms BETWEEN $__unixEpochNanoFrom() / 1000000 AND $__unixEpochNanoTo() / 1000000
      GROUP BY severity, opened_ms / $__interval_ms ORDER BY 1`,
    },
    {
      title: 'Deliveries that failed, or are not done',
      kind: 'table',
      width: 24,
      sql: `SELECT created, state, target, reason, attempts, error, alert_id
      FROM view_delivery WHERE state <> 'sent' ORDER BY created_ms DESC LIMIT 1000`,
    },
  ],
};
