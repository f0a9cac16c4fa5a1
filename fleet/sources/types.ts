import type { Outcome } from '../ingest/index.js';

/** Ingest's: resolves once the message may be acknowledged; rejects where its sender must keep it. */
export type Take = (topic: string, payload: Uint8Array) => Promise<Outcome>;

/** A way in that runs. */
export interface Source {
  /** To a node; false: there is no connection now, and nothing was taken. */
  publish(topic: string, payload: Uint8Array): boolean;
  close(): Promise<void>;
}
