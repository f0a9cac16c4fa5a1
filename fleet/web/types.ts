import type { FastifyPluginAsync } from 'fastify';
import type { Group, Store } from '../store/types.js';

/** As the registry of services knows one. */
export interface ServiceHealth {
  readonly name: string;
  readonly state: 'waiting' | 'healthy' | 'unhealthy' | 'maintenance' | 'stopped';
  readonly sinceMs: number;
  /** What it waits for, or what failed. */
  readonly why?: string;
}

export interface Health {
  readonly services: readonly ServiceHealth[];
}

/** What became another: a node's readings or status, a line of its log, an alert, a service's health. */
export type Change =
  | { readonly kind: 'node'; readonly node: string; readonly streamId?: bigint }
  | { readonly kind: 'log'; readonly node: string }
  | { readonly kind: 'alert' }
  | { readonly kind: 'health' };

/** An `EventEmitter<{ change: [Change] }>`, or the like. */
export interface News {
  on(event: 'change', listener: (change: Change) => void): unknown;
  off(event: 'change', listener: (change: Change) => void): unknown;
}

/** Who asks; a plugin's hook sets it. */
export interface Person {
  readonly name: string;
  /** Absent: all of them. */
  readonly groups?: readonly Group[];
}

export interface WebDeps {
  readonly store: Store;
  readonly health: () => Health;
  readonly news: News;
  /** Sign-in first: their hooks see each request in this order. */
  readonly plugins: readonly FastifyPluginAsync[];
  readonly nowMs: () => number;
  /** Signed-in or not, a proxy's address is believed only where this says so (fastify's `trustProxy`). */
  readonly trustProxy?: boolean | string;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined: nobody. */
    person: Person | undefined;
  }
  interface FastifyContextConfig {
    /** The page is kept as it was last good, and shown while the database is down. */
    lastGood?: true;
  }
}
