import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { type DataSourceRef, GraphDrawStyle } from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  type VariableModel,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

const PLUGIN = 'grafana-postgresql-datasource';
/** Whoever looks chooses it. */
export const DATA_SOURCE: DataSourceRef = { type: PLUGIN, uid: '$datasource' };

/** A variable's value as a text of SQL, quoted by Grafana. */
export const quoted = (name: string) => `\${${name}:sqlstring}`;

/** What the SDK has no builder for: a query of Grafana's PostgreSQL data source. */
export interface SqlQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: DataSourceRef;
  readonly format: 'table' | 'time_series';
  readonly rawSql: string;
  readonly rawQuery: true;
  readonly editorMode: 'code';
}

const BUILDERS = {
  stat: StatBuilder,
  table: TableBuilder,
  lines: TimeSeriesBuilder,
  bars: TimeSeriesBuilder,
};

export interface SqlPanel {
  readonly title: string;
  readonly description?: string;
  readonly kind: keyof typeof BUILDERS;
  /** Columns of the 24 that a dashboard is wide; a row's add up to 24. */
  readonly width: 8 | 12 | 16 | 24;
  /** Of Grafana: `s`, `ms`, `bytes`. */
  readonly unit?: string;
  readonly sql: string;
}

export interface SqlDashboard {
  readonly uid: string;
  readonly title: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly panels: readonly SqlPanel[];
}

const HEIGHT = 8;

export function dashboard({ uid, title, variables, panels }: SqlDashboard): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .tags(['cairn'])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .variables([new DatasourceVariableBuilder('datasource').label('Data source').type(PLUGIN), ...variables]);
  for (const [i, panel] of panels.entries()) builder.withPanel(panelOf(panel, i + 1));
  return builder.build();
}

/** Of `sql` the columns `__value` and `__text`, or one for both. */
export function variable(name: string, label: string, sql: string): Builder<VariableModel> {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATA_SOURCE)
    .query(sql)
    .refresh(VariableRefresh.OnDashboardLoad);
}

function panelOf({ kind, title, description, width, unit, sql }: SqlPanel, id: number): Builder<Panel> {
  const isSeries = kind === 'lines' || kind === 'bars';
  const builder = new BUILDERS[kind]()
    .id(id)
    .title(title)
    .datasource(DATA_SOURCE)
    .height(HEIGHT)
    .span(width)
    .withTarget({ build: () => queryOf(sql, isSeries ? 'time_series' : 'table') });
  if (description) builder.description(description);
  if (unit) builder.unit(unit);
  if (builder instanceof TimeSeriesBuilder) {
    // A line is broken where there is a NULL: over a hole.
    builder.spanNulls(false).drawStyle(kind === 'bars' ? GraphDrawStyle.Bars : GraphDrawStyle.Line);
  }
  return builder;
}

function queryOf(sql: string, format: SqlQuery['format']): SqlQuery {
  return {
    ...{ refId: 'A', datasource: DATA_SOURCE, format, rawSql: sql, rawQuery: true, editorMode: 'code' },
    _implementsDataqueryVariant: () => undefined,
  };
}
