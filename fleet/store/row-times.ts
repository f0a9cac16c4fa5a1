import { type Anchor, type AnchorSource, type RowTime, Times } from '../../wire/index.js';
import type { Queries } from '../db/index.js';
import { withGiven } from './given.js';

const DAY_MS = 86_400_000;
export const DAY_NS = 86_400_000_000_000n;
/** A time that is so much older than its message is none. */
const OLDEST_DAYS = 1_000;
/** Nor is one that is so far ahead of it. */
const NEWEST_DAYS = 2;
/** Epochs whose anchors stay in memory. */
const MAX_EPOCHS = 4_096;

const MAX_NS = 2n ** 63n - 1n;

/** When a row was taken, as its anchors say it now. */
export interface WallTime {
  readonly wallNs: bigint;
  readonly uncertaintyNs: bigint;
}

/** A day of the database's tables. */
export function dayOf(wallNs: bigint): number {
  return Number(wallNs / DAY_NS);
}

export function isBelievable(wallNs: bigint, nowMs: number): boolean {
  const today = Math.floor(nowMs / DAY_MS);
  const day = dayOf(wallNs);
  return wallNs >= 0n && day >= today - OLDEST_DAYS && day <= today + NEWEST_DAYS;
}

/** The times of one epoch. What no receiver's clock can believe has no time: a table holds a day, and there is no room for any day that a node may say. */
export class RowTimes {
  readonly times = new Times();

  at(boot: number, monotonicNs: bigint, nowMs: number): WallTime | undefined {
    const time: RowTime = this.times.at(boot, monotonicNs);
    if (time.kind !== 'known' || time.uncertaintyNs < 0n || !isBelievable(time.wallNs, nowMs))
      return undefined;
    const { wallNs, uncertaintyNs } = time;
    return { wallNs, uncertaintyNs: uncertaintyNs > MAX_NS ? MAX_NS : uncertaintyNs };
  }
}

interface Kept {
  readonly version: bigint;
  readonly times: RowTimes;
}

/** Anchors of the epochs that were heard of last, as of the version that the database counts. */
export class TimesCache {
  readonly #kept = new Map<bigint, Kept>();

  /**
   * Takes out those of epochs whose nodes are locked; `keep` puts them back after the commit, so that what a transaction learned that failed is
   * forgotten. What another process has told an anchor is read anew.
   */
  async take(
    tx: Queries,
    epochs: readonly { readonly id: bigint; readonly anchors_version: bigint }[],
  ): Promise<Map<bigint, RowTimes>> {
    const found = new Map<bigint, RowTimes>();
    for (const { id, anchors_version } of epochs) {
      const kept = this.#kept.get(id);
      this.#kept.delete(id);
      if (anchors_version === 0n) found.set(id, new RowTimes());
      else if (kept?.version === anchors_version) found.set(id, kept.times);
    }
    const stale = epochs.filter(({ id }) => !found.has(id)).map(({ id }) => id);
    return new Map([...found, ...(await readTimes(tx, stale))]);
  }

  keep(id: bigint, version: bigint, times: RowTimes): void {
    this.#kept.set(id, { version, times });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_EPOCHS) break;
      this.#kept.delete(oldest);
    }
  }
}

/** Of these epochs, from their anchors. */
export async function readTimes(tx: Queries, ids: readonly bigint[]): Promise<Map<bigint, RowTimes>> {
  const rows = await withGiven<AnchorRow>(
    tx,
    { epoch_id: 'BIGINT' },
    ids.map((epoch_id) => ({ epoch_id })),
    (given) => `SELECT anchor.* FROM ${given} JOIN anchor ON anchor.epoch_id = given.epoch_id
      ORDER BY anchor.epoch_id, anchor.boot, anchor.mono_ns`,
  );
  const read = new Map<bigint, RowTimes>(ids.map((id) => [id, new RowTimes()]));
  for (const row of rows) read.get(row.epoch_id)?.times.anchor(anchorOf(row));
  return read;
}

interface AnchorRow {
  readonly epoch_id: bigint;
  readonly boot: bigint;
  readonly mono_ns: bigint;
  readonly wall_ns: bigint;
  readonly uncertainty_ns: bigint;
  readonly source: string;
  readonly [column: string]: bigint | string;
}

function anchorOf(row: AnchorRow): Anchor {
  return {
    boot: Number(row.boot),
    monotonicNs: row.mono_ns,
    wallNs: row.wall_ns,
    uncertaintyNs: row.uncertainty_ns,
    source: row.source as AnchorSource,
  };
}
