import type { Queries } from '../db/index.js';
import { clean } from './given.js';
import { findNodes, type NodeRow } from './names.js';
import { BACKLOG_MS } from './node-rows.js';
import type { Group, NodeState, NodeSummary } from './types.js';

const DAY_MS = 86_400_000n;
/** A node may be so many of its rhythms late before it is. */
const LATE_RHYTHMS = 3n;
/** Nor is it late before so long. */
const LEAST_LATE_MS = 10_000n;
const MAX_STATUS_CHARACTERS = 16_384;

export interface NodeListRow extends NodeRow {
  readonly name: string | null;
  readonly fleet_group: string;
  readonly status: string | null;
  readonly cause?: string | null;
}

/** One table, one query: the sums are kept as blocks come. */
export async function listNodes(
  db: Queries,
  nowMs: number,
  filter: { readonly group?: Group; readonly search?: string },
): Promise<readonly NodeSummary[]> {
  const search = filter.search ? `%${escaped(filter.search.toLowerCase())}%` : null;
  const rows = await db.query<NodeListRow>(
    `SELECT node.*, node_health.cause FROM node LEFT JOIN node_health ON node_health.node = node.node
      WHERE (CAST($1 AS TEXT) IS NULL OR fleet_group = $1)
      AND (CAST($2 AS TEXT) IS NULL OR lower(node.node) LIKE $2 ESCAPE '!' OR lower(name) LIKE $2 ESCAPE '!')
      ORDER BY COALESCE(name, node.node), node.node`,
    [filter.group ?? null, search],
  );
  return rows.map((row) => summaryOf(row, nowMs));
}

/** For `LIKE … ESCAPE '!'`. */
export function escaped(text: string): string {
  return clean(text).replace(/[!%_]/g, '!$&');
}

export function summaryOf(row: NodeListRow, nowMs: number): NodeSummary {
  const { latitude, longitude, position_ns } = row;
  return {
    node: row.node,
    name: row.name ?? row.node,
    group: row.fleet_group as Group,
    state: stateOf(row, BigInt(nowMs)),
    heardMs: Number(row.heard_ms),
    latestWallNs: row.latest_ns ?? undefined,
    ...(latitude === null || longitude === null
      ? {}
      : { position: { latitude, longitude, wallNs: position_ns ?? undefined } }),
    // Whoever keeps alerts fills it in.
    lostRows: row.lost_rows,
    ...(row.cause && { cause: row.cause }),
  };
}

function stateOf(row: NodeListRow, nowMs: bigint): NodeState {
  const silentMs = nowMs - row.heard_ms;
  const saidGoodbye =
    row.status !== null && (JSON.parse(row.status) as { state?: unknown }).state === 'stopped';
  if (saidGoodbye || silentMs >= DAY_MS) return 'silent';
  const lateMs = LATE_RHYTHMS * row.rhythm_ms;
  if (silentMs > (lateMs > LEAST_LATE_MS ? lateMs : LEAST_LATE_MS)) return 'late';
  return row.backlog_ms !== null && nowMs - row.backlog_ms < BACKLOG_MS / 2n ? 'backlog' : 'live';
}

export async function heard(
  tx: Queries,
  node: string,
  receivedMs: number,
  status?: Readonly<Record<string, unknown>>,
): Promise<void> {
  await findNodes(tx, [clean(node)], receivedMs);
  const text = status === undefined ? null : JSON.stringify(status);
  await tx.query(
    `UPDATE node SET heard_ms = CASE WHEN $2 > heard_ms THEN $2 ELSE heard_ms END, status = COALESCE($3, status) WHERE node = $1`,
    [clean(node), BigInt(receivedMs), text && text.length <= MAX_STATUS_CHARACTERS ? text : null],
  );
}

export async function rename(
  tx: Queries,
  node: string,
  { name, group }: { readonly name?: string; readonly group?: Group },
): Promise<void> {
  await tx.query(
    'UPDATE node SET name = COALESCE($2, name), fleet_group = COALESCE($3, fleet_group) WHERE node = $1',
    [clean(node), name === undefined ? null : clean(name), group ?? null],
  );
}
