import { CustomVariableBuilder, TextBoxVariableBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { quoted, type SqlDashboard, variable } from './sql-panel.js';

/** `log_all` is there once Fluent Bit's table is (fluent-bit/log_all.sql). */
export type LogView = 'view_log' | 'log_all';

const WANTED = `$__unixEpochNanoFilter(at_ns) AND level_number >= $level
  AND (${quoted('node')} = 'all' OR node = ${quoted('node')})
  AND position(lower(${quoted('text')}) IN lower(text)) > 0`;

export function logs(view: LogView): SqlDashboard {
  return {
    uid: 'cairn-logs',
    title: 'Cairn: logs',
    variables: [
      new CustomVariableBuilder('level')
        .label('From level')
        .values('info : 1, warn : 2, error : 3, debug : 0'),
      variable(
        'node',
        'Node',
        `SELECT 'all' AS __value, 'all' AS __text
        UNION ALL (SELECT node, name FROM view_node ORDER BY name, node)`,
      ),
      new TextBoxVariableBuilder('text').label('Text').defaultValue(''),
    ],
    panels: [
      {
        title: 'Lines by level',
        kind: 'bars',
        width: 24,
        sql: `SELECT to_timestamp(min(at_ns) / 1e9) AS time, level AS metric, count(*) AS value FROM ${view}
        WHERE ${WANTED} GROUP BY level, at_ns / ($__interval_ms * 1000000::bigint) ORDER BY 1`,
      },
      {
        title: 'Lines, the newest 1,000',
        kind: 'table',
        width: 24,
        sql: `SELECT time, level, name, module, text FROM ${view} WHERE ${WANTED} ORDER BY at_ns DESC LIMIT 1000`,
      },
    ],
  };
}
