import type { SqlRow } from '../db/index.js';
import type { Severity } from './rule.js';
import type { Alert, AlertState, Delivery, Held, Reason } from './types.js';

const numberOr = (value: unknown) => (value === null || value === undefined ? undefined : Number(value));
const orUndefined = <T>(value: unknown) => (value ?? undefined) as T | undefined;

/** A row of the table `alert`. */
export function alertOf(row: SqlRow): Alert {
  const ackedMs = numberOr(row.acked_ms);
  return {
    id: row.id as bigint,
    ruleId: row.rule_id as bigint,
    node: row.node as string,
    group: row.node_group as string,
    stream: orUndefined(row.stream),
    streamId: orUndefined(row.stream_id),
    severity: row.severity as Severity,
    state: row.state as AlertState,
    timed: row.timed === 1n,
    openedSequence: orUndefined(row.opened_seq),
    firstSequence: orUndefined(row.first_seq),
    lastSequence: orUndefined(row.last_seq),
    closedSequence: orUndefined(row.closed_seq),
    rows: orUndefined(row.n_rows),
    value: orUndefined(row.value),
    peak: orUndefined(row.peak),
    sinceMs: numberOr(row.since_ms),
    detail: orUndefined(row.detail),
    openedMs: Number(row.opened_ms),
    closedMs: numberOr(row.closed_ms),
    closedWhy: orUndefined(row.closed_why),
    acknowledged:
      ackedMs === undefined
        ? undefined
        : { ms: ackedMs, by: String(row.acked_by), note: String(row.acked_note ?? '') },
    step: Number(row.step),
    nextStepMs: numberOr(row.next_step_ms),
    held: orUndefined<Held>(row.held),
  };
}

export function deliveryOf(row: SqlRow): Delivery {
  return {
    id: row.id as string,
    alertId: row.alert_id as bigint,
    reason: row.reason as Reason,
    target: row.target as string,
    state: row.state as Delivery['state'],
    attempts: Number(row.attempts),
    dueMs: Number(row.due_ms),
    createdMs: Number(row.created_ms),
    doneMs: numberOr(row.done_ms),
    error: orUndefined(row.error),
  };
}

/** `($1, $2), ($3, $4)` for so many rows. */
export function placeholders(rows: number, columns: number): string {
  const row = (r: number) => Array.from({ length: columns }, (_, c) => `$${r * columns + c + 1}`).join(', ');
  return Array.from({ length: rows }, (_, r) => `(${row(r)})`).join(', ');
}
