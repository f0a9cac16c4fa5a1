import type { Queries } from '../db/index.js';
import { placeholders } from './rows.js';
import type { Rule } from './rule.js';
import type { Alert, Delivery, Held, Reason } from './types.js';

const HOUR_MS = 3_600_000;
/** Of one rule that isn't critical, whatever the nodes: beyond it people are told that there are many. No life alarm is held because others came before it. */
const TOLD_AT_MOST_PER_HOUR = 200;

export interface TellOptions {
  /** Where a rule doesn't say whom to tell. */
  readonly defaultTell: readonly string[];
  /** 32 hex digits, never the same twice. */
  readonly newId: () => string;
  /** An alert became another. */
  readonly changed: () => void;
}

type Told = Pick<Alert, 'id' | 'node'>;

/**
 * Tells of an alert for the first time: its deliveries stand in the same transaction. In maintenance, and beyond the bounds of an hour, it is held:
 * told later if it is still open by then.
 */
export async function tell(
  tx: Queries,
  { alert, rule, group, nowMs }: { alert: Told; rule: Rule; group: string | undefined; nowMs: number },
  options: TellOptions,
): Promise<void> {
  const quietUntilMs = await maintainedUntil(tx, alert.node, group, nowMs);
  if (quietUntilMs !== undefined) return hold(tx, alert.id, 'maintenance', quietUntilMs);
  const flooded = await floodedBy(tx, rule, alert, nowMs);
  if (flooded) {
    if (!(await isSaid(tx, rule, flooded, nowMs)))
      await deliver(tx, { alert, rule, step: 0, reason: 'flood', nowMs }, options);
    return hold(tx, alert.id, 'flood', nowMs + HOUR_MS);
  }
  await deliver(tx, { alert, rule, step: 0, reason: 'opened', nowMs }, options);
  await tx.query('UPDATE alert SET step = 0, held = NULL, next_step_ms = $2, told_ms = $3 WHERE id = $1', [
    alert.id,
    stepMs(rule, 1, nowMs),
    BigInt(nowMs),
  ]);
}

/** When step `step` of the escalation is due, for an alert told at `toldMs`; null: there is none. */
export function stepMs({ spec }: Rule, step: number, toldMs: number): bigint | null {
  const next = spec.escalate[step - 1];
  return next ? BigInt(Math.round(toldMs + next.afterMin * 60_000)) : null;
}

/** Puts a delivery a target into the outbox; one that is there already isn't put twice. */
export async function deliver(
  tx: Queries,
  {
    alert,
    rule,
    step,
    reason,
    nowMs,
  }: { alert: Told; rule: Rule; step: number; reason: Reason; nowMs: number },
  options: TellOptions,
): Promise<void> {
  const targets =
    step === 0 ? (rule.spec.tell ?? options.defaultTell) : (rule.spec.escalate[step - 1]?.tell ?? []);
  await enqueue(tx, targets, { alertId: alert.id, step, reason, nowMs }, options);
}

/** Somebody can't be told of an open alert: those that the configuration names are, unless they were, and the next step needn't wait. */
export async function tellOthers(
  tx: Queries,
  { alertId, reason }: Pick<Delivery, 'alertId' | 'reason'>,
  nowMs: number,
  options: TellOptions,
): Promise<void> {
  if (reason === 'cleared') return;
  const [open] = await tx.query(
    `UPDATE alert SET next_step_ms = CASE WHEN next_step_ms > $2 AND step >= 0 THEN $2 ELSE next_step_ms END
     WHERE id = $1 AND state = 'open' AND acked_ms IS NULL RETURNING id`,
    [alertId, BigInt(nowMs)],
  );
  if (!open) return;
  options.changed();
  const told = new Set(await toldOf(tx, alertId));
  const others = options.defaultTell.filter((target) => !told.has(target));
  await enqueue(tx, others, { alertId, step: 0, reason: 'undelivered', nowMs }, options);
}

async function toldOf(tx: Queries, alertId: bigint): Promise<readonly string[]> {
  const told = await tx.query<{ target: string }>(
    `SELECT DISTINCT target FROM delivery WHERE alert_id = $1 AND reason IN ('opened', 'escalated', 'undelivered')`,
    [alertId],
  );
  return told.map(({ target }) => target);
}

/** Whoever was told that it is open is told that it ended. */
export async function tellCleared(
  tx: Queries,
  alertId: bigint,
  nowMs: number,
  options: TellOptions,
): Promise<void> {
  const targets = await toldOf(tx, alertId);
  await enqueue(tx, targets, { alertId, step: 0, reason: 'cleared', nowMs }, options);
}

async function enqueue(
  tx: Queries,
  targets: readonly string[],
  { alertId, step, reason, nowMs }: { alertId: bigint; step: number; reason: Reason; nowMs: number },
  { newId }: TellOptions,
): Promise<void> {
  if (targets.length === 0) return;
  const now = BigInt(nowMs);
  const values = targets.flatMap((target) => [
    newId(),
    alertId,
    reason,
    BigInt(step),
    target,
    'waiting',
    0n,
    now,
    now,
  ]);
  await tx.query(
    `INSERT INTO delivery (id, alert_id, reason, step, target, state, attempts, due_ms, created_ms)
     VALUES ${placeholders(targets.length, 9)} ON CONFLICT (alert_id, reason, step, target) DO NOTHING`,
    values,
  );
}

async function maintainedUntil(
  tx: Queries,
  node: string,
  group: string | undefined,
  nowMs: number,
): Promise<number | undefined> {
  const [row] = await tx.query<{ until: bigint | null }>(
    'SELECT max(until_ms) AS until FROM maintenance WHERE scope IN ($1, $2) AND until_ms > $3',
    [`node:${node}`, `group:${group ?? ''}`, BigInt(nowMs)],
  );
  return row?.until ? Number(row.until) : undefined;
}

/** Who gave as many alerts of the rule as may be told within an hour: this node, or all together. */
async function floodedBy(
  tx: Queries,
  { id, spec }: Rule,
  { node }: Told,
  nowMs: number,
): Promise<{ readonly node?: string } | undefined> {
  const [row] = await tx.query<{ n: bigint; mine: bigint }>(
    `SELECT count(*) AS n, count(CASE WHEN node = $3 THEN 1 END) AS mine FROM alert WHERE rule_id = $1 AND told_ms > $2`,
    [id, BigInt(nowMs - HOUR_MS), node],
  );
  const most = spec.tellAtMostPerHour;
  if (Number(row!.mine) >= most) return { node };
  const isFlood = spec.severity !== 'critical' && Number(row!.n) >= Math.max(TOLD_AT_MOST_PER_HOUR, most);
  return isFlood ? {} : undefined;
}

async function isSaid(
  tx: Queries,
  rule: Rule,
  { node }: { readonly node?: string },
  nowMs: number,
): Promise<boolean> {
  const said = await tx.query(
    `SELECT 1 AS said FROM delivery JOIN alert ON alert.id = delivery.alert_id
     WHERE reason = 'flood' AND created_ms > $1 AND rule_id = $2 AND (CAST($3 AS TEXT) IS NULL OR node = $3) LIMIT 1`,
    [BigInt(nowMs - HOUR_MS), rule.id, node ?? null],
  );
  return said.length > 0;
}

async function hold(tx: Queries, id: bigint, why: Held, untilMs: number): Promise<void> {
  await tx.query('UPDATE alert SET step = -1, held = $2, next_step_ms = $3 WHERE id = $1', [
    id,
    why,
    BigInt(untilMs),
  ]);
}
