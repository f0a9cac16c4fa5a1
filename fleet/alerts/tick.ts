import type { Database, Queries } from '../db/index.js';
import { forecastFiring } from './forecast.js';
import { type Listening, listening } from './listening.js';
import { alertOf } from './rows.js';
import { type Condition, inScope, isOfStreams, type Rule } from './rule.js';
import type { RuleBook } from './rule-book.js';
import { end } from './sync.js';
import { deliver, type TellOptions, tell, tellCleared } from './tell.js';
import type { Alert, Facts, Firing, Histories } from './types.js';

export interface TickOptions {
  readonly db: Database;
  readonly rules: RuleBook;
  readonly facts: Facts;
  readonly histories: Histories;
  readonly tell: TellOptions;
  /** Whether what nodes send comes to the store now. */
  readonly isHearing: () => boolean;
}

/** Nodes that could not reach the fleet for a while need so long to come back. */
const BACK_MS = 10 * 60_000;

/** Opens and closes what silence and rest are. Another process may do the same at the same time: an alert is opened once. */
export async function tickTimed(nowMs: number, options: TickOptions): Promise<void> {
  const heard = await listening(options.db, nowMs, options.isHearing());
  for (const rule of await options.rules.inForce(options.db)) {
    const { condition } = rule.spec;
    if (condition.kind === 'silence') {
      const isSure = heard.forMs >= Math.min(condition.afterS * 1_000, BACK_MS);
      await settle(rule, await silent(rule, condition, nowMs, heard, options), nowMs, options, isSure);
    }
    if (condition.kind === 'noMotion')
      await settle(rule, await resting(rule, condition, nowMs, options), nowMs, options);
  }
}

/** Opens and closes forecasts; they look at a day of each battery, so not often. */
export async function tickForecasts(nowMs: number, options: TickOptions): Promise<void> {
  for (const rule of await options.rules.inForce(options.db)) {
    const { condition } = rule.spec;
    if (condition.kind !== 'batteryForecast') continue;
    const open = new Set((await openOf(rule, options.db)).map(({ subject }) => subject));
    await settle(rule, await forecastFiring(rule, condition, nowMs, open, options.histories), nowMs, options);
  }
}

async function silent(
  rule: Rule,
  { afterS }: Extract<Condition, { kind: 'silence' }>,
  nowMs: number,
  heard: Listening,
  options: TickOptions,
): Promise<readonly Firing[]> {
  const isSilent = (sinceMs: number) => heard.since(sinceMs) >= afterS * 1_000;
  const nodes = (await options.histories.nodes(nowMs)).filter((node) => inScope(rule.spec, node));
  if (!isOfStreams(rule.spec))
    return nodes
      .filter(({ heardMs }) => isSilent(heardMs))
      .map(({ node, heardMs }) => firing(node, undefined, heardMs));
  const known = new Set(nodes.map(({ node }) => node));
  return (await lastOf(rule, options.db))
    .map(({ node, stream, last_ns }) => firing(node, stream, Number(last_ns / 1_000_000n)))
    .filter(({ node, sinceMs }) => known.has(node) && isSilent(sinceMs));
}

/**
 * The newest row of the stream is so much later than the last one that moved. While nobody knows when that was, what is open stays so, and nothing is opened.
 */
async function resting(
  rule: Rule,
  { afterS }: Extract<Condition, { kind: 'noMotion' }>,
  nowMs: number,
  options: TickOptions,
): Promise<readonly Firing[]> {
  const nodes = (await options.histories.nodes(nowMs)).filter((one) => inScope(rule.spec, one));
  const known = new Set(nodes.map(({ node }) => node));
  const unplaced = await place(rule, options);
  const open = new Set((await openOf(rule, options.db)).map(({ subject }) => subject));
  return (await lastOf(rule, options.db)).flatMap(({ node, stream, last_ns, newest_ns }) => {
    if (!known.has(node)) return [];
    const key = `${node}/${stream}`;
    const beforeNs = unplaced.get(key);
    if (beforeNs === undefined && unplaced.has(key) && !open.has(key)) return [];
    const movedNs = beforeNs !== undefined && beforeNs > last_ns ? beforeNs : last_ns;
    const restedNs = (newest_ns ?? movedNs) - movedNs;
    return restedNs >= BigInt(Math.round(afterS * 1e9))
      ? [firing(node, stream, Number(movedNs / 1_000_000n))]
      : [];
  });
}

/** Gives the rows that moved their time, where a late anchor told it. The others, by node and stream: before when they were, as far as that is known. */
async function place(
  { id }: Rule,
  { db, facts }: TickOptions,
): Promise<ReadonlyMap<string, bigint | undefined>> {
  const waiting = await db.query<{ stream_id: bigint; node: string; stream: string; unplaced_seq: bigint }>(
    'SELECT stream_id, node, stream, unplaced_seq FROM track WHERE rule_id = $1 AND unplaced_seq IS NOT NULL',
    [id],
  );
  const unplaced = new Map<string, bigint | undefined>();
  for (const { stream_id, node, stream, unplaced_seq } of waiting) {
    const time = (await facts.times(db, stream_id, [unplaced_seq])).get(unplaced_seq);
    if (!time) unplaced.set(`${node}/${stream}`, await facts.notAfter(db, stream_id, unplaced_seq));
    else
      await db.query(
        `UPDATE track SET moved_ns = CASE WHEN moved_ns > $4 THEN moved_ns ELSE $4 END, unplaced_seq = NULL
         WHERE rule_id = $1 AND stream_id = $2 AND unplaced_seq = $3`,
        [id, stream_id, unplaced_seq, time.wallNs],
      );
  }
  return unplaced;
}

/** When each stream under the rule last moved or spoke. */
function lastOf({ id }: Rule, db: Queries) {
  return db.query<{ node: string; stream: string; last_ns: bigint; newest_ns: bigint | null }>(
    `SELECT node, stream, max(coalesce(moved_ns, since_ns)) AS last_ns, max(newest_ns) AS newest_ns FROM track
     WHERE rule_id = $1 GROUP BY node, stream HAVING max(coalesce(moved_ns, since_ns)) IS NOT NULL`,
    [id],
  );
}

function firing(node: string, stream: string | undefined, sinceMs: number): Firing {
  return { subject: stream ? `${node}/${stream}` : node, node, stream, sinceMs };
}

async function settle(
  rule: Rule,
  firing: readonly Firing[],
  nowMs: number,
  options: TickOptions,
  mayOpen = true,
): Promise<void> {
  const open = await openOf(rule, options.db);
  const known = new Map(open.map((alert) => [alert.subject, alert]));
  const holds = new Set(firing.map(({ subject }) => subject));
  for (const one of firing) {
    const alert = known.get(one.subject);
    if (!alert && mayOpen) await openTimed(rule, one, nowMs, options);
    if (alert && rule.spec.condition.kind === 'noMotion' && alert.sinceMs !== one.sinceMs)
      await moveBegin(alert, one.sinceMs, options);
  }
  for (const alert of open) if (!holds.has(alert.subject)) await closeTimed(alert, nowMs, options);
}

async function openOf({ id }: Rule, db: Queries): Promise<readonly (Alert & { readonly subject: string })[]> {
  const rows = await db.query(`SELECT * FROM alert WHERE rule_id = $1 AND timed = 1 AND state = 'open'`, [
    id,
  ]);
  return rows.map((row) => ({ ...alertOf(row), subject: row.subject as string }));
}

/** A row that came late moved later than was known, and long ago all the same. */
async function moveBegin({ id }: Alert, sinceMs: number, { db, tell: telling }: TickOptions): Promise<void> {
  await db.query('UPDATE alert SET since_ms = $2 WHERE id = $1', [id, BigInt(sinceMs)]);
  telling.changed();
}

async function openTimed(
  rule: Rule,
  one: Firing,
  nowMs: number,
  { db, facts, tell: telling }: TickOptions,
): Promise<void> {
  await db.transaction(async (tx) => {
    const group = (await facts.nodes(tx, [one.node])).get(one.node)?.group;
    const [row] = await tx.query<{ id: bigint }>(
      `INSERT INTO alert (rule_id, subject, timed, node, stream, severity, state, since_ms, detail, opened_ms, node_group, step)
       VALUES ($1, $2, 1, $3, $4, $5, 'open', $6, $7, $8, $9, -1)
       ON CONFLICT (rule_id, subject) WHERE state = 'open' AND timed = 1 DO NOTHING RETURNING id`,
      [
        ...[
          rule.id,
          one.subject,
          one.node,
          one.stream ?? null,
          rule.spec.severity,
          BigInt(Math.round(one.sinceMs)),
        ],
        ...[one.detail ?? null, BigInt(nowMs), group ?? ''],
      ],
    );
    if (!row) return;
    telling.changed();
    await tell(tx, { alert: { id: row.id, node: one.node }, rule, group, nowMs }, telling);
  });
}

async function closeTimed(alert: Alert, nowMs: number, { db, tell: telling }: TickOptions): Promise<void> {
  await db.transaction(async (tx) => {
    const ended = await end(tx, alert, 'closed', nowMs);
    if (ended) telling.changed();
    if (ended && alert.step >= 0) await tellCleared(tx, alert.id, nowMs, telling);
  });
}

const ESCALATED_AT_ONCE = 200;

/** Tells whom the next step names, of alerts that nobody acknowledged in time; and of those that were held, now that they aren't. */
export async function escalate(
  nowMs: number,
  { db, rules, facts, tell: telling }: TickOptions,
): Promise<void> {
  const due = await db.query(
    `SELECT * FROM alert WHERE next_step_ms <= $1 AND state = 'open' AND acked_ms IS NULL
     ORDER BY next_step_ms LIMIT ${ESCALATED_AT_ONCE}`,
    [BigInt(nowMs)],
  );
  for (const alert of due.map(alertOf)) {
    await db.transaction(async (tx) => {
      const [rule] = await rules.byId(tx, [alert.ruleId]);
      // Whoever moves the step tells: another process finds it moved.
      const mine = await tx.query(
        `UPDATE alert SET next_step_ms = NULL WHERE id = $1 AND step = $2 AND next_step_ms <= $3
         AND state = 'open' AND acked_ms IS NULL RETURNING id`,
        [alert.id, BigInt(alert.step), BigInt(nowMs)],
      );
      if (mine.length === 0 || !rule) return;
      telling.changed();
      const group = (await facts.nodes(tx, [alert.node])).get(alert.node)?.group;
      if (alert.step < 0) return tell(tx, { alert, rule, group, nowMs }, telling);
      await nextStep(tx, alert, rule, nowMs, telling);
    });
  }
}

async function nextStep(
  tx: Queries,
  alert: Alert,
  rule: Rule,
  nowMs: number,
  telling: TellOptions,
): Promise<void> {
  const step = alert.step + 1;
  await deliver(tx, { alert, rule, step, reason: 'escalated', nowMs }, telling);
  const wait = (rule.spec.escalate[step]?.afterMin ?? 0) - (rule.spec.escalate[step - 1]?.afterMin ?? 0);
  const next = wait > 0 ? BigInt(Math.round(nowMs + wait * 60_000)) : null;
  await tx.query('UPDATE alert SET step = $2, next_step_ms = $3 WHERE id = $1', [
    alert.id,
    BigInt(step),
    next,
  ]);
}
