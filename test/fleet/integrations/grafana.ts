import type { Dashboard, VariableModel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { SqlQuery } from '../../../fleet/integrations/grafana/index.js';

export interface Looking {
  readonly fromMs: number;
  readonly toMs: number;
  /** A point of a panel is as wide. */
  readonly intervalMs: number;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * What Grafana makes of a query before PostgreSQL sees it: variables (`$name`, `${name:sqlstring}`: in quotes, quotes in it doubled), then the macros
 * of its PostgreSQL data source (docs: "PostgreSQL query editor", Macros). A macro or variable that isn't known is a fault.
 */
export function interpolated(sql: string, { fromMs, toMs, intervalMs, variables }: Looking): string {
  const value = (name: string) => {
    const found = name === '__interval_ms' ? String(intervalMs) : variables[name];
    if (found === undefined) throw new Error(`nobody set the variable ${name}: ${sql}`);
    return found;
  };
  const ns = (ms: number) => `${ms}000000`;
  return sql
    .replace(/\$\{(\w+):sqlstring\}/g, (_, name: string) => `'${value(name).replaceAll("'", "''")}'`)
    .replace(/\$(\w+)\b(?!\()/g, (_, name: string) => value(name))
    .replace(/\$(\w+)\(([^)]*)\)/g, (_, macro: string, column: string) => {
      if (macro === '__unixEpochNanoFrom') return ns(fromMs);
      if (macro === '__unixEpochNanoTo') return ns(toMs);
      if (macro === '__unixEpochNanoFilter') return `${column} >= ${ns(fromMs)} AND ${column} <= ${ns(toMs)}`;
      throw new Error(`no macro ${macro}: ${sql}`);
    });
}

export interface PanelQuery {
  readonly title: string;
  readonly query: SqlQuery;
}

export function panelsOf(dashboard: Dashboard): readonly PanelQuery[] {
  return (dashboard.panels ?? []).flatMap((panel) => {
    if (!('targets' in panel)) return [];
    const queries = (panel.targets ?? []) as unknown as readonly SqlQuery[];
    return queries.map((query) => ({ title: panel.title ?? '', query }));
  });
}

export function queryVariablesOf(dashboard: Dashboard): readonly VariableModel[] {
  return (dashboard.templating?.list ?? []).filter(({ type }) => type === 'query');
}
