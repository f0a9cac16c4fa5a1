import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify';
import type { Queries } from '../db/index.js';
import type { AuditEntry } from '../people/index.js';
import type { ServiceHealth } from '../services/index.js';
import type { Store } from '../store/types.js';

export interface Health {
  readonly services: readonly ServiceHealth[];
}

/** What became another: a node's readings or status, a line of its log, an alert, a service's health. */
export type Change =
  /** Without `streamId`: it may be any of its streams. */
  | { readonly kind: 'node'; readonly node: string; readonly streamId?: bigint }
  | { readonly kind: 'log'; readonly node: string }
  | { readonly kind: 'alert' }
  | { readonly kind: 'health' }
  /** Nobody knows what. */
  | { readonly kind: 'all' };

/** An `EventEmitter<{ change: [Change] }>`, or the like. */
export interface News {
  on(event: 'change', listener: (change: Change) => void): unknown;
  off(event: 'change', listener: (change: Change) => void): unknown;
}

/** Pictures of the land by numbers, from elsewhere: `https://tiles.example/{z}/{x}/{y}.png`. */
export interface Tiles {
  readonly url: string;
  /** Whom they are owed to, in words. */
  readonly attribution: string;
}

export interface WebDeps {
  readonly store: Store;
  /** How many are open, by node. */
  readonly openAlerts: () => Promise<ReadonlyMap<string, number>>;
  readonly health: () => Health;
  /** With `tx`: it is written if, and only if, what it tells of is. */
  readonly audit: (entry: AuditEntry, tx?: Queries) => Promise<void>;
  readonly news: News;
  /** Sign-in first: their hooks see each request in this order. */
  readonly plugins: readonly FastifyPluginAsync[];
  readonly nowMs: () => number;
  /** Below the points of the map; absent: a grid of coordinates only. */
  readonly tiles?: Tiles;
  /** Where faults of the program are said. */
  readonly log?: FastifyBaseLogger;
  /** Whose word on a client's address is believed (fastify's `trustProxy`); absent: nobody's. */
  readonly trustProxy?: string | string[] | false;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The page is kept as it was last good, and shown while the database is down. */
    lastGood?: true;
  }
}
