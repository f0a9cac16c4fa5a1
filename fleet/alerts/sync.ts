import type { Queries, SqlRow } from '../db/index.js';
import type { StreamRef } from '../store/types.js';
import type { Episode } from './episodes.js';
import { alertOf } from './rows.js';
import type { Rule } from './rule.js';
import { type TellOptions, tell, tellCleared } from './tell.js';
import type { Alert } from './types.js';

export interface SyncContext {
  readonly rule: Rule;
  readonly ref: StreamRef;
  readonly group: string | undefined;
  readonly nowMs: number;
  /** What a row said, for people. */
  readonly detailOf: (sequence: number) => string | undefined;
  /** Rows up to here are no longer among the stream's segments; -1: all are. */
  readonly floor: number;
}

/** Alerts of rows that come so late that they are judged by themselves: whatever of them nobody was told of. */
export async function syncLate(
  tx: Queries,
  episodes: readonly Episode[],
  context: SyncContext,
  options: TellOptions,
): Promise<void> {
  if (episodes.length === 0) return;
  const known = await overlapping(tx, episodes, context);
  for (const episode of episodes)
    if (!known.some((alert) => overlaps(alert, episode))) await insert(tx, episode, false, context, options);
}

/** Brings the alerts of a rule and stream from the episodes before to those after; what was told isn't told again. */
export async function syncAlerts(
  tx: Queries,
  before: readonly Episode[],
  after: readonly Episode[],
  context: SyncContext,
  options: TellOptions,
): Promise<void> {
  const changed = without(after, before);
  const lost = without(before, after);
  if (changed.length + lost.length === 0) return;
  options.changed();
  const existing = await overlapping(tx, [...changed, ...lost], context);
  const claims = claimsOf(existing, changed);
  for (const episode of changed) {
    const mine = claims.get(episode);
    const isTold = existing.some((alert) => holds(episode, alert.openedSequence!));
    if (mine) await update(tx, mine, episode, context, options);
    else await insert(tx, episode, isTold, context, options);
  }
  const claimed = new Set([...claims.values()].map(({ id }) => id));
  for (const alert of existing.filter((one) => isLive(one) && !claimed.has(one.id))) {
    const isPart = changed.some((episode) => overlaps(alert, episode));
    await end(tx, alert, isPart ? 'joined' : 'withdrawn', context.nowMs);
  }
}

const isLive = ({ state }: Alert) => state === 'open' || state === 'closed';

/**
 * Which alert goes on as which episode, the one that was opened first before the others: an open one as what still holds, any as what it was opened for. One that
 * was joined or withdrawn comes back where later rows say so.
 */
function claimsOf(existing: readonly Alert[], episodes: readonly Episode[]): ReadonlyMap<Episode, Alert> {
  const claims = new Map<Episode, Alert>();
  for (const alert of [...existing.filter(isLive), ...existing.filter((one) => !isLive(one))]) {
    const free = episodes.filter((episode) => !claims.has(episode) && overlaps(alert, episode));
    const own = free.find((episode) => holds(episode, alert.openedSequence!));
    const going = alert.state === 'open' ? free.find(({ closed }) => closed === undefined) : undefined;
    const next = isLive(alert) ? (going ?? own ?? free[0]) : own;
    if (next) claims.set(next, alert);
  }
  return claims;
}

function holds({ first, last }: Episode, sequence: bigint): boolean {
  return BigInt(first) <= sequence && sequence <= BigInt(last);
}

const keyOf = ({ first, last, closed, rows }: Episode) => `${first} ${last} ${closed} ${rows}`;

function without(these: readonly Episode[], those: readonly Episode[]): readonly Episode[] {
  const known = new Set(those.map(keyOf));
  return these.filter((episode) => !known.has(keyOf(episode)));
}

function overlaps({ firstSequence, lastSequence }: Alert, { first, last }: Episode): boolean {
  return firstSequence! <= BigInt(last) && lastSequence! >= BigInt(first);
}

/** The alerts of these episodes as they were, the one that was opened first at the head. */
async function overlapping(
  tx: Queries,
  episodes: readonly Episode[],
  { rule, ref }: SyncContext,
): Promise<readonly Alert[]> {
  const from = Math.min(...episodes.map(({ first }) => first));
  const to = Math.max(...episodes.map(({ last }) => last));
  const rows = await tx.query<SqlRow>(
    `SELECT * FROM alert WHERE rule_id = $1 AND subject = $2 AND last_seq >= $3 AND first_seq <= $4
     ORDER BY id`,
    [rule.id, String(ref.streamId), BigInt(from), BigInt(to)],
  );
  return rows.map(alertOf).filter((alert) => episodes.some((episode) => overlaps(alert, episode)));
}

async function insert(
  tx: Queries,
  episode: Episode,
  isTold: boolean,
  context: SyncContext,
  options: TellOptions,
): Promise<void> {
  const { rule, ref, nowMs } = context;
  const isClosed = episode.closed !== undefined;
  const [row] = await tx.query<{ id: bigint }>(
    `INSERT INTO alert (rule_id, subject, timed, node, stream, stream_id, severity, state, opened_seq, first_seq, last_seq,
       closed_seq, n_rows, value, peak, opened_ms, closed_ms, closed_why, step, held, detail, node_group)
     VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $14, $15, $16, -1, $17, $18, $19) RETURNING id`,
    [
      ...[rule.id, String(ref.streamId), ref.node, ref.stream, ref.streamId, rule.spec.severity],
      ...[isClosed ? 'closed' : 'open', ...columnsOf(episode), BigInt(nowMs)],
      ...(isClosed ? [BigInt(nowMs), 'rows'] : [null, null]),
      isTold ? 'split' : null,
      context.detailOf(episode.first) ?? null,
      context.group ?? '',
    ],
  );
  if (!isTold) await tell(tx, { alert: { id: row!.id, node: ref.node }, ...context }, options);
}

function columnsOf({ first, last, closed, rows, value, peak }: Episode) {
  return [
    BigInt(first),
    BigInt(last),
    closed === undefined ? null : BigInt(closed),
    BigInt(rows),
    value,
    peak,
  ];
}

async function update(
  tx: Queries,
  alert: Alert,
  episode: Episode,
  { nowMs, floor }: SyncContext,
  options: TellOptions,
): Promise<void> {
  // It may have begun before what is still kept of the stream.
  const began = Number(alert.firstSequence);
  const first = began <= floor ? Math.min(began, episode.first) : episode.first;
  await tx.query(
    `UPDATE alert SET first_seq = $2, last_seq = $3, closed_seq = $4, n_rows = $5, value = $6, peak = $7 WHERE id = $1`,
    [alert.id, ...columnsOf({ ...episode, first })],
  );
  const isOver = episode.closed !== undefined;
  if (!isLive(alert)) await comeBack(tx, alert, isOver || alert.acknowledged !== undefined);
  if (alert.state !== 'open' || !isOver) return;
  await end(tx, alert, 'closed', nowMs);
  if (alert.step >= 0) await tellCleared(tx, alert.id, nowMs, options);
}

async function comeBack(tx: Queries, { id }: Alert, isOver: boolean): Promise<void> {
  const sql = isOver ? `state = 'closed'` : `state = 'open', closed_ms = NULL, closed_why = NULL`;
  await tx.query(`UPDATE alert SET ${sql} WHERE id = $1`, [id]);
}

/** Ends it, unless somebody was quicker. */
export async function end(
  tx: Queries,
  alert: Pick<Alert, 'id'>,
  state: 'closed' | 'joined' | 'withdrawn',
  nowMs: number,
  why = 'rows',
): Promise<boolean> {
  const ended = await tx.query(
    `UPDATE alert SET state = $2, closed_ms = $3, closed_why = $4, next_step_ms = NULL
     WHERE id = $1 AND (state = 'open' OR $2 <> 'closed') RETURNING id`,
    [alert.id, state, BigInt(nowMs), why],
  );
  return ended.length > 0;
}
