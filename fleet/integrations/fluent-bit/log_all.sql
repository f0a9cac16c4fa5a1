-- Once, as a superuser, in the database of the fleet: a schema for Fluent Bit, which sees nothing else, and one view over its lines and ours.
-- Then give it a password: \password fluentbit
CREATE ROLE fluentbit LOGIN;
CREATE SCHEMA fluentbit;
-- As Fluent Bit itself would make it. The time has no zone: it is its session's, so that is UTC.
CREATE TABLE fluentbit.fluentbit (tag varchar, time timestamp, data jsonb);
ALTER TABLE fluentbit.fluentbit OWNER TO fluentbit;
-- It may make a table, as it asks to at each start though the table is there; its bound is yours to set (VACUUM, DELETE by time).
GRANT USAGE, CREATE ON SCHEMA fluentbit TO fluentbit;
ALTER ROLE fluentbit SET search_path = fluentbit;
ALTER ROLE fluentbit SET timezone = 'UTC';
CREATE INDEX fluentbit_at ON fluentbit.fluentbit (((extract(epoch FROM time) * 1000000000)::bigint));

-- The columns of view_log. A node is whatever Fluent Bit says it is; levels are those of syslog (RFC 5424, 6.2.1).
CREATE VIEW log_all AS
  SELECT at_ns, time, level_number, level, node, name, module, text FROM view_log
  UNION ALL
  SELECT line.at_ns, line.time, line.level_number,
    (ARRAY['debug', 'info', 'warn', 'error'])[line.level_number + 1],
    line.node, COALESCE(view_node.name, line.node), line.module, line.text
  FROM (
    SELECT (extract(epoch FROM time) * 1000000000)::bigint AS at_ns, time AT TIME ZONE 'UTC' AS time,
      CASE WHEN data ->> 'PRIORITY' IN ('0', '1', '2', '3') THEN 3 WHEN data ->> 'PRIORITY' = '4' THEN 2
        WHEN data ->> 'PRIORITY' = '7' THEN 0 ELSE 1 END::bigint AS level_number,
      COALESCE(data ->> 'node', data ->> '_HOSTNAME', tag) AS node,
      COALESCE(data ->> 'SYSLOG_IDENTIFIER', data ->> '_SYSTEMD_UNIT', tag) AS module,
      COALESCE(data ->> 'MESSAGE', data ->> 'log', data::text) AS text
    FROM fluentbit.fluentbit) AS line
  LEFT JOIN view_node ON view_node.node = line.node;
