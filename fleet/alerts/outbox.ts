import { randomUUID } from 'node:crypto';
import type { Database, Queries, Within } from '../db/index.js';
import { deliveryOf } from './rows.js';
import type { Transport } from './transport.js';
import type { Delivery } from './types.js';

/** Longer than any transport takes (60 s). */
const LEASE_MS = 120_000;
/** A day of the longest wait. */
const MAX_ATTEMPTS = 295;
const WAITS_S = [1, 2, 5, 10, 30, 60, 120, 300];

/** The queue of deliveries in the database. Each is sent at least once, until it was sent, was refused for good or has failed for a day. */
export class Outbox {
  constructor(
    readonly db: Database,
    /** Who leases: the same at each start, another in each process. Hex digits. */
    private readonly holder: string,
    /** In the transaction in which one failed for good. */
    private readonly onFailed: (tx: Queries, delivery: Delivery, nowMs: number) => Promise<void>,
  ) {}

  /** Takes some that are due, critical ones first; whoever dies with them leaves them to the next one after the lease. */
  async lease(scheme: Transport['scheme'], most: number, nowMs: number): Promise<readonly LeasedDelivery[]> {
    const lease = `${this.holder}:${randomUUID()}`;
    const skip = this.db.dialect === 'postgres' ? 'FOR UPDATE SKIP LOCKED' : '';
    const rows = await this.db.transaction((tx) =>
      tx.query(
        `UPDATE delivery SET lease = $1, due_ms = $2, attempts = attempts + 1 WHERE id IN
         (SELECT id FROM delivery WHERE state = 'waiting' AND due_ms <= $3 AND target LIKE '${scheme}:%'
          ORDER BY (SELECT CASE severity WHEN 'critical' THEN 0 ELSE 1 END FROM alert WHERE alert.id = alert_id), due_ms
          LIMIT ${most} ${skip})
         RETURNING *`,
        [lease, BigInt(nowMs + LEASE_MS), BigInt(nowMs)],
      ),
    );
    return rows.map((row) => ({ ...deliveryOf(row), lease }));
  }

  async sent({ id }: Delivery, nowMs: number): Promise<void> {
    // Whoever holds the lease by now: it was sent.
    await this.db.query(
      `UPDATE delivery SET state = 'sent', done_ms = $2, lease = NULL, error = NULL WHERE id = $1 AND state <> 'sent'`,
      [id, BigInt(nowMs)],
    );
  }

  /** It is tried again, until it is the last time, or `isFinal`. */
  async notSent(delivery: LeasedDelivery, error: string, nowMs: number, isFinal = false): Promise<void> {
    const { id, lease, attempts } = delivery;
    const isLast = isFinal || attempts >= MAX_ATTEMPTS;
    const waitMs = (WAITS_S[attempts - 1] ?? WAITS_S.at(-1)!) * 1_000;
    await this.db.transaction(async (tx) => {
      const mine = await tx.query(
        `UPDATE delivery SET state = $3, due_ms = $4, error = $5, done_ms = $6, lease = NULL
         WHERE id = $1 AND lease = $2 RETURNING id`,
        [
          ...[id, lease, isLast ? 'failed' : 'waiting', BigInt(nowMs + waitMs), cleanText(error)],
          isLast ? BigInt(nowMs) : null,
        ],
      );
      if (isLast && mine.length > 0) await this.onFailed(tx, delivery, nowMs);
    });
  }

  /** What this holder leased before it was killed waits for nobody: it is due now, and may be sent again under the same name. For the start, before the first lease. */
  async release(scheme: Transport['scheme'], nowMs: number): Promise<void> {
    await this.db.query(
      `UPDATE delivery SET lease = NULL, due_ms = $1 WHERE state = 'waiting' AND lease LIKE '${this.holder}:%' AND target LIKE '${scheme}:%'`,
      [BigInt(nowMs)],
    );
  }

  /** What waits for its next attempt is due now. Attempts are counted as ever. */
  async hasten(scheme: Transport['scheme'], nowMs: number): Promise<void> {
    await this.db.query(
      `UPDATE delivery SET due_ms = $1 WHERE state = 'waiting' AND lease IS NULL AND due_ms > $1 AND target LIKE '${scheme}:%'`,
      [BigInt(nowMs)],
    );
  }

  /** Begins anew with one that failed. */
  retry(id: string, nowMs: number, within?: Within): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const again = await tx.query(
        `UPDATE delivery SET state = 'waiting', attempts = 0, due_ms = $2, done_ms = NULL
         WHERE id = $1 AND state = 'failed' RETURNING id`,
        [id, BigInt(nowMs)],
      );
      if (again.length > 0) await within?.(tx);
      return again.length > 0;
    });
  }
}

/** PostgreSQL keeps no NUL, and a server may say one. */
function cleanText(error: string): string {
  return error.slice(0, 500).replaceAll('\0', ' ');
}

export interface LeasedDelivery extends Delivery {
  readonly lease: string;
}

/** Longer than any audit asks for. */
const KEEP_MS = 400 * 86_400_000;

/** Forgets alerts that ended so long ago, and what was told of them. */
export async function forgetOld(on: Queries, nowMs: number): Promise<void> {
  const before = BigInt(nowMs - KEEP_MS);
  const old = `state <> 'open' AND closed_ms < $1`;
  await on.query(`DELETE FROM delivery WHERE alert_id IN (SELECT id FROM alert WHERE ${old})`, [before]);
  await on.query(`DELETE FROM alert WHERE ${old}`, [before]);
  for (const table of ['maintenance', 'listened'])
    await on.query(`DELETE FROM ${table} WHERE until_ms < $1`, [before]);
}
