import type { Queries, SqlValue } from '../db/index.js';
import { alertOf, deliveryOf } from './rows.js';
import type { Rule } from './rule.js';
import type { RuleBook } from './rule-book.js';
import type { Alert, AlertState, Delivery, Facts, NodeFacts, RowWhen } from './types.js';

export interface AlertQuery {
  readonly state?: AlertState;
  readonly node?: string;
  /** Left out: all. */
  readonly groups?: readonly string[];
  readonly severity?: string;
  readonly ruleId?: bigint;
  /** At most 500. */
  readonly limit: number;
  /** Older than this one: the last of the page before. */
  readonly before?: { readonly openedMs: number; readonly id: bigint };
}

/** An alert with what a page says of it. */
export interface ListedAlert extends Alert {
  readonly rule: Rule;
  readonly nodeName: string;
  /** When its first row was taken, as far as it is known now. */
  readonly from: RowWhen | undefined;
  /** Its first row went because it was old; so did its time. */
  readonly isRemoved: boolean;
  /** When the row was taken that ended it. */
  readonly ended: RowWhen | undefined;
  readonly failed: number;
}

export interface AlertDetail extends ListedAlert {
  readonly until: RowWhen | undefined;
  /** Of its first row, where its time isn't known. */
  readonly notAfterNs: bigint | undefined;
  /** The node's latest. */
  readonly position: NodeFacts['position'];
  readonly deliveries: readonly Delivery[];
}

const MAX_LISTED = 500;

/** The newest first, by when the fleet learned of them. */
export async function listAlerts(on: Queries, query: AlertQuery): Promise<readonly Alert[]> {
  const values: SqlValue[] = [];
  const bound = (value: SqlValue) => `$${values.push(value)}`;
  const wanted = [
    ...(query.state ? [`state = ${bound(query.state)}`] : []),
    ...(query.node ? [`node = ${bound(query.node)}`] : []),
    ...(query.severity ? [`severity = ${bound(query.severity)}`] : []),
    ...(query.groups ? [`node_group IN (${query.groups.map(bound).join(', ') || 'NULL'})`] : []),
    ...(query.ruleId === undefined ? [] : [`rule_id = ${bound(query.ruleId)}`]),
    ...(query.before
      ? [`(opened_ms, id) < (${bound(BigInt(query.before.openedMs))}, ${bound(query.before.id)})`]
      : []),
  ];
  const where = wanted.length > 0 ? `WHERE ${wanted.join(' AND ')}` : '';
  const limit = Math.min(Math.max(1, Math.trunc(query.limit)), MAX_LISTED);
  const rows = await on.query(
    `SELECT * FROM alert ${where} ORDER BY opened_ms DESC, id DESC LIMIT ${limit}`,
    values,
  );
  return rows.map(alertOf);
}

/** With rules, names and times. */
export async function described(
  on: Queries,
  alerts: readonly Alert[],
  { rules, facts }: { readonly rules: RuleBook; readonly facts: Facts },
): Promise<readonly ListedAlert[]> {
  const known = await rules.byId(on, [...new Set(alerts.map(({ ruleId }) => ruleId))]);
  const nodes = await facts.nodes(on, [...new Set(alerts.map(({ node }) => node))]);
  const times = await timesOf(on, alerts, facts);
  const removed = await facts.removedTo(
    on,
    alerts.flatMap(({ streamId }) => streamId ?? []),
  );
  const failed = await failedOf(on, alerts);
  return alerts.flatMap((alert) => {
    const rule = known.find(({ id }) => id === alert.ruleId);
    if (!rule) return [];
    const nodeName = nodes.get(alert.node)?.name ?? alert.node;
    const timeOf = (sequence = -1n) => times.get(alert.streamId ?? -1n)?.get(sequence);
    const [from, ended] = [timeOf(alert.firstSequence), timeOf(alert.closedSequence)];
    const isRemoved = !from && (alert.firstSequence ?? 0n) < (removed.get(alert.streamId ?? -1n) ?? 0n);
    return [{ ...alert, rule, nodeName, from, ended, isRemoved, failed: failed.get(alert.id) ?? 0 }];
  });
}

async function timesOf(on: Queries, alerts: readonly Alert[], facts: Facts) {
  const wanted = new Map<bigint, bigint[]>();
  for (const { streamId, firstSequence, closedSequence } of alerts)
    if (streamId !== undefined)
      wanted.set(streamId, [
        ...(wanted.get(streamId) ?? []),
        ...[firstSequence, closedSequence].filter((sequence) => sequence !== undefined),
      ]);
  const times = new Map<bigint, ReadonlyMap<bigint, RowWhen>>();
  for (const [streamId, sequences] of wanted) times.set(streamId, await facts.times(on, streamId, sequences));
  return times;
}

async function failedOf(on: Queries, alerts: readonly Alert[]): Promise<ReadonlyMap<bigint, number>> {
  if (alerts.length === 0) return new Map();
  const places = alerts.map((_, i) => `$${i + 1}`).join(', ');
  const rows = await on.query<{ alert_id: bigint; n: bigint }>(
    `SELECT alert_id, count(*) AS n FROM delivery WHERE state = 'failed' AND alert_id IN (${places}) GROUP BY alert_id`,
    alerts.map(({ id }) => id),
  );
  return new Map(rows.map((row) => [row.alert_id, Number(row.n)]));
}

export async function deliveriesOf(on: Queries, alertId: bigint): Promise<readonly Delivery[]> {
  const rows = await on.query(
    'SELECT * FROM delivery WHERE alert_id = $1 ORDER BY created_ms, target LIMIT 500',
    [alertId],
  );
  return rows.map(deliveryOf);
}
