import type { Descriptor } from '../../wire/index.js';
import type { Database, Queries, Within } from '../db/index.js';
import { Days } from './days.js';
import { logLines, removedLogs } from './logs.js';
import { conflictsOf, gapsOf } from './losses.js';
import { descriptorOf, nodeDetail, sourceOf } from './node-detail.js';
import { keepHealth } from './node-health.js';
import { heard, listNodes, rename } from './nodes.js';
import { Positions } from './positions.js';
import { readingsOf } from './readings.js';
import { addRefusals, refusals } from './refusals.js';
import { repairSome } from './repair.js';
import { Forgetting } from './retention.js';
import { TimesCache } from './row-times.js';
import { seriesOf } from './series.js';
import { assertBounded, takeAll } from './take.js';
import type { Group, Incoming, LogQuery, Retention, Span, Store, Taken } from './types.js';

export interface StoreOptions {
  /** ms since 1970. */
  readonly nowMs: () => number;
  /** A late anchor gave rows of a node other times: for whoever shows them. */
  readonly onMoved?: (node: string) => void;
}

/** On a database with STORE_MIGRATIONS. Several processes may have one open on the same PostgreSQL. */
export function openStore(db: Database, options: StoreOptions): Store {
  return new DatabaseStore(db, options);
}

class DatabaseStore implements Store {
  readonly #cache = new TimesCache();
  readonly #positions = new Positions();
  readonly #days: Days;
  readonly #forgetting: Forgetting;

  constructor(
    private readonly db: Database,
    private readonly options: StoreOptions,
  ) {
    this.#days = new Days(db);
    this.#forgetting = new Forgetting(db);
  }

  async take(
    incoming: readonly Incoming[],
    receivedMs: number,
    within?: (tx: Queries, taken: readonly Taken[]) => Promise<void>,
  ): Promise<readonly Taken[]> {
    assertBounded(incoming);
    const parts = { cache: this.#cache, days: this.#days, positions: this.#positions };
    const { taken, keep } = await this.#transaction(async (tx) => {
      const batch = await takeAll(tx, incoming, receivedMs, parts);
      await within?.(tx, batch.taken);
      return batch;
    });
    keep();
    return taken;
  }

  async repairTimes(): Promise<boolean> {
    const { nowMs, onMoved } = this.options;
    const { isMore, moved } = await this.#transaction((tx) => repairSome(tx, nowMs(), this.#days));
    if (moved !== undefined) onMoved?.(moved);
    return isMore;
  }

  forgetRows(retention: Retention) {
    return this.#forgetting.step(retention, this.options.nowMs());
  }

  async #transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    try {
      return await this.#days.with(() => this.db.transaction(work));
    } catch (error) {
      // A descriptor that it told isn't there.
      this.#positions.forget();
      throw error;
    }
  }

  heard(...[node, receivedMs, status, health]: Parameters<Store['heard']>) {
    return this.db.transaction(async (tx) => {
      await heard(tx, node, receivedMs, status);
      if (health) await keepHealth(tx, node, health);
    });
  }

  refused(counts: Readonly<Record<string, number>>) {
    return addRefusals(this.db, counts);
  }

  refusals() {
    return refusals(this.db);
  }

  nodes(nowMs: number, filter: { readonly group?: Group; readonly search?: string } = {}) {
    return listNodes(this.db, nowMs, filter);
  }

  node(node: string, nowMs: number) {
    return nodeDetail(this.db, node, nowMs);
  }

  rename(node: string, change: { readonly name?: string; readonly group?: Group }, within?: Within) {
    return this.db.transaction(async (tx) => {
      await rename(tx, node, change);
      await within?.(tx);
    });
  }

  descriptor(streamId: bigint): Promise<Descriptor | undefined> {
    return descriptorOf(this.db, streamId);
  }

  stream(streamId: bigint) {
    return sourceOf(this.db, streamId);
  }

  series(streamId: bigint, channel: number, span: Span, points: number) {
    return seriesOf(this.db, streamId, channel, span, points);
  }

  readings(streamId: bigint, span: Span, limit: number, after?: bigint) {
    return readingsOf(this.db, streamId, span, limit, after);
  }

  gaps(node: string) {
    return gapsOf(this.db, node);
  }

  conflicts(node: string) {
    return conflictsOf(this.db, node);
  }

  logs(query: LogQuery) {
    return logLines(this.db, query);
  }

  removedLogs(query: Pick<LogQuery, 'fromNs' | 'node' | 'group'>) {
    return removedLogs(this.db, query);
  }
}
