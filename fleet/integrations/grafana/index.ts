import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { ALERTS } from './alerts.js';
import { FLEET } from './fleet.js';
import { type LogView, logs } from './logs.js';
import { NODE_DASHBOARD } from './node.js';
import { dashboard } from './sql-panel.js';

export type { LogView } from './logs.js';
export { DATA_SOURCE, type SqlQuery } from './sql-panel.js';

export function dashboards(logView: LogView): readonly Dashboard[] {
  return [FLEET, NODE_DASHBOARD, logs(logView), ALERTS].map(dashboard);
}
