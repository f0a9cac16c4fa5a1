import type { Channel } from '../../drivers/contract/index.js';
import type { Queries } from '../db/index.js';
import type { NodeFacts, RowWhen } from '../store/index.js';
import type { NodeDetail, NodeSummary, Series, Span } from '../store/types.js';
import type { Severity } from './rule.js';

/** What alerts ask of the store in the middle of a transaction: by `on`, never by the store's own connection. */
export interface Facts {
  /** Nodes that nobody knows are left out. */
  nodes(on: Queries, nodes: readonly string[]): Promise<ReadonlyMap<string, NodeFacts>>;
  /** Nobody takes rows of these nodes until the transaction ends. */
  lock(tx: Queries, nodes: readonly string[]): Promise<void>;
  /** Undefined: that version hasn't come yet. */
  channels(on: Queries, streamId: bigint, version: number): Promise<readonly Channel[] | undefined>;
  /** When rows were taken, as far as that is known now. */
  times(on: Queries, streamId: bigint, sequences: readonly bigint[]): Promise<ReadonlyMap<bigint, RowWhen>>;
  /** Below which number the rows of these streams went with their times: they were too old. Streams that nothing went of are left out. */
  removedTo(on: Queries, streamIds: readonly bigint[]): Promise<ReadonlyMap<bigint, bigint>>;
  /** The latest moment, ns since 1970, that a row without a time can be of, if anything says so. */
  notAfter(on: Queries, streamId: bigint, sequence: bigint): Promise<bigint | undefined>;
  /** This machine's time, as far as nodes bear it out: a clock set years ahead makes nothing old. */
  believedMs(on: Queries, nowMs: number): Promise<number>;
}

/** Of the store, between transactions: what forecasts look at. */
export interface Histories {
  nodes(nowMs: number): Promise<readonly NodeSummary[]>;
  node(node: string, nowMs: number): Promise<NodeDetail | undefined>;
  series(streamId: bigint, channel: number, span: Span, points: number): Promise<Series | undefined>;
}

/**
 * `open`: it holds; a happening is open until somebody acknowledges it. `closed`: it ended, or was acknowledged. `joined`: rows that came later showed
 * that it was part of another one. `withdrawn`: they showed that it never was.
 */
export type AlertState = 'open' | 'closed' | 'joined' | 'withdrawn';

export interface Alert {
  readonly id: bigint;
  readonly ruleId: bigint;
  readonly node: string;
  /** The node's, when it was opened. */
  readonly group: string;
  readonly stream: string | undefined;
  readonly streamId: bigint | undefined;
  readonly severity: Severity;
  readonly state: AlertState;
  /** Judged by `tick`, not by rows. */
  readonly timed: boolean;
  /** Of the rows, if it is of rows: the first one when it was opened, and as it is by now. */
  readonly openedSequence: bigint | undefined;
  readonly firstSequence: bigint | undefined;
  readonly lastSequence: bigint | undefined;
  readonly closedSequence: bigint | undefined;
  readonly rows: bigint | undefined;
  readonly value: number | undefined;
  readonly peak: number | undefined;
  /** Of a timed one: since when it holds. */
  readonly sinceMs: number | undefined;
  /** What its first row said, or the forecast. */
  readonly detail: string | undefined;
  /** When the fleet learned of it. */
  readonly openedMs: number;
  readonly closedMs: number | undefined;
  readonly closedWhy: string | undefined;
  readonly acknowledged: { readonly ms: number; readonly by: string; readonly note: string } | undefined;
  /** The last step of escalation; -1: nobody was told, for `held`. */
  readonly step: number;
  readonly nextStepMs: number | undefined;
  readonly held: Held | undefined;
}

/** Why nobody was told: maintenance, too many in an hour, or that it is part of one that was told. */
export type Held = 'maintenance' | 'flood' | 'split';

/** `undelivered`: somebody else could not be told. */
export type Reason = 'opened' | 'escalated' | 'cleared' | 'flood' | 'undelivered';

export interface Delivery {
  /** 32 hex digits; a mail's Message-ID is made of it, the same at each attempt. */
  readonly id: string;
  readonly alertId: bigint;
  readonly reason: Reason;
  readonly target: string;
  readonly state: 'waiting' | 'sent' | 'failed';
  readonly attempts: number;
  readonly dueMs: number;
  readonly createdMs: number;
  readonly doneMs: number | undefined;
  readonly error: string | undefined;
}

/** A timed rule holds for a subject. */
export interface Firing {
  readonly subject: string;
  readonly node: string;
  readonly stream: string | undefined;
  readonly sinceMs: number;
  readonly detail?: string;
}

export type { NodeFacts, RowWhen };
