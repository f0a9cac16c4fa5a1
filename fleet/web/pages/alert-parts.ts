import {
  type Alert,
  conditionText,
  type ListedAlert,
  type Maintenance,
  type RowWhen,
  type RuleSpec,
} from '../../alerts/index.js';
import { spanOf, timeOf, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { type Column, pathOf, table } from './parts.js';

const SEVERITY_TAGS = { info: 'info', warning: 'warn', critical: 'error' } as const;

export function severityTag(severity: Alert['severity']): Html {
  return html`<span class="tag ${SEVERITY_TAGS[severity]}">${severity}</span>`;
}

const HELD = {
  maintenance: 'nobody was told: maintenance',
  flood: 'nobody was told: too many in an hour',
  split: 'told as part of another one',
} as const;

/** `open, acknowledged by Ada`, `ended`. */
export function stateText({ state, acknowledged, held }: Alert): string {
  const words = { open: 'open', closed: 'ended', joined: 'part of another alert', withdrawn: 'withdrawn' }[
    state
  ];
  const acked = acknowledged && `acknowledged by ${acknowledged.by}`;
  return [words, acked, held && HELD[held]].filter(Boolean).join(', ');
}

export function alertPath({ id }: Pick<Alert, 'id'>): string {
  return `/alerts/${id}`;
}

/** When it began, and how sure that is. */
export function beganAt({ timed, sinceMs, from, isRemoved, openedMs }: ListedAlert): Html {
  return timed ? timeOfMs(sinceMs ?? openedMs) : rowTime(from, isRemoved);
}

/** When its rows say so; where none does, when it was closed. */
export function endedAt({ closedSequence, closedMs, ended, isRemoved }: ListedAlert): Html | undefined {
  if (closedSequence !== undefined) return rowTime(ended, isRemoved);
  return closedMs === undefined ? undefined : timeOfMs(closedMs);
}

function rowTime(when: RowWhen | undefined, isRemoved: boolean): Html {
  if (!when && isRemoved) return html`<span class="quiet">its rows were removed by retention</span>`;
  if (!when) return html`<span class="quiet">time not known yet</span>`;
  const { wallNs, uncertaintyMs = 0 } = when;
  return html`${timeOf(wallNs)}${uncertaintyMs >= 1_000 && html` <small>±\u00a0${spanOf(uncertaintyMs).replace(' ', '\u00a0')}</small>`}`;
}

const COLUMNS: readonly Column<ListedAlert>[] = [
  { title: 'Alert', cell: (alert) => html`<a href="${alertPath(alert)}">${alert.rule.spec.name}</a>` },
  { title: 'Severity', cell: ({ severity }) => severityTag(severity) },
  { title: 'Node', cell: (alert) => html`<a href="${pathOf(alert)}">${alert.nodeName}</a>` },
  { title: 'Began', cell: beganAt },
  { title: 'Ended', cell: (alert) => endedAt(alert) ?? '' },
  { title: 'Arrived', cell: ({ openedMs }) => timeOfMs(openedMs) },
  {
    title: 'State',
    cell: (alert) =>
      html`${stateText(alert)}${alert.failed > 0 && html` <span class="tag error">${alert.failed} not delivered</span>`}`,
  },
];

export function alertTable(alerts: readonly ListedAlert[]): Html {
  return table(COLUMNS, alerts);
}

export function maintenanceNotes(maintenance: readonly Maintenance[]): readonly Html[] {
  return maintenance.map(
    ({ scope, untilMs, by, note }) =>
      html`<p class="notice"><strong>Maintenance</strong> of ${scope.replace(':', ' ')} until ${timeOfMs(untilMs)}, by ${by}${note && `: ${note}`}. Its alerts are kept, and nobody is told.</p>`,
  );
}

/** `group prod, stream motion*`. */
export function scopeText({ scope }: RuleSpec): string {
  const parts = [
    scope.group && `group ${scope.group}`,
    scope.nodes && `${scope.nodes.length} ${scope.nodes.length === 1 ? 'node' : 'nodes'}`,
    scope.stream && `stream ${scope.stream}`,
    scope.class && `class ${scope.class}`,
  ];
  return parts.filter(Boolean).join(', ') || 'all';
}

export { conditionText };
