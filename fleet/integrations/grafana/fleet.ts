import { quoted, type SqlDashboard, variable } from './sql-panel.js';

const OF_GROUP = `(${quoted('group')} = 'all' OR node_group = ${quoted('group')})`;

export const FLEET: SqlDashboard = {
  uid: 'cairn-fleet',
  title: 'Cairn: fleet',
  variables: [
    variable(
      'group',
      'Group',
      `SELECT 'all' UNION ALL (SELECT DISTINCT node_group FROM view_node ORDER BY 1)`,
    ),
  ],
  panels: [
    {
      title: 'Nodes by state',
      kind: 'stat',
      width: 12,
      sql: `SELECT count(*) FILTER (WHERE state = 'live') AS live, count(*) FILTER (WHERE state = 'backlog') AS backlog,
        count(*) FILTER (WHERE state = 'late') AS late, count(*) FILTER (WHERE state = 'silent') AS silent
      FROM view_node WHERE ${OF_GROUP}`,
    },
    {
      title: 'Messages refused, by cause',
      description: 'Of all nodes: nobody is sure whose a refused message was.',
      kind: 'table',
      width: 12,
      sql: 'SELECT cause, count FROM view_refusal ORDER BY count DESC',
    },
    {
      title: 'Nodes',
      kind: 'table',
      width: 24,
      sql: `SELECT name, node, node_group, state, heard, latest AS newest_reading, lost_rows, latitude, longitude
      FROM view_node WHERE ${OF_GROUP} ORDER BY name, node`,
    },
    {
      title: 'Rows lost, by cause',
      kind: 'table',
      width: 12,
      sql: `SELECT cause, sum(lost_rows) AS lost_rows, count(DISTINCT node) AS nodes
      FROM view_loss WHERE ${OF_GROUP} GROUP BY cause ORDER BY 2 DESC`,
    },
    {
      title: 'Conflicts',
      description:
        'Blocks that say something else of numbers that were had; rows both received and said to be lost.',
      kind: 'table',
      width: 12,
      sql: `SELECT name, node, stream, conflicts, contradictions
      FROM view_stream WHERE (conflicts > 0 OR contradictions > 0) AND ${OF_GROUP} ORDER BY conflicts DESC`,
    },
  ],
};
