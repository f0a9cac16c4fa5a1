import type { Channel } from '../../drivers/contract/index.js';
import type { ColumnType, DecodedHeader, NativeRows } from '../../native/index.js';
import type { Descriptor, GapCause, LogClass, LogLevel, MetaRecord, RowTime } from '../../wire/index.js';
import type { HeardHealth } from './node-health.js';

export type { HeardHealth } from './node-health.js';

/** A block of a node, decoded (docs/wire-format.md, 1). */
export interface IncomingBlock {
  readonly kind: 'block';
  readonly header: DecodedHeader;
  readonly logClass: LogClass;
  readonly columns: readonly ColumnType[];
  readonly rows: NativeRows;
  /** As it came: kept where it is in conflict. */
  readonly bytes: Uint8Array;
  /** Of a block of the stream `meta`: what its records say; bytes that only a later version reads. */
  readonly meta?: { readonly records: readonly MetaRecord[]; readonly unread: readonly Uint8Array[] };
}

/** Rows of somebody who has no blocks: SenML of another maker, a tracker's line. Their times are the sender's word. */
export interface IncomingPack {
  readonly kind: 'pack';
  /** `senml:truck-7`, `tracker:4711`: in the list of nodes by this id. At most 128 characters. */
  readonly device: string;
  readonly stream: string;
  readonly logClass: Exclude<LogClass, 'meta'>;
  readonly channels: readonly Channel[];
  readonly wallNs: readonly bigint[];
  /** Rows × channels, row by row; NaN where absent. */
  readonly values: Float64Array;
  readonly texts?: readonly (string | undefined)[];
  /** SHA-256 of what the sender would repeat: the same pack again is a double. */
  readonly identity: Uint8Array;
}

export type Incoming = IncomingBlock | IncomingPack;

/**
 * `new`: kept. `duplicate`: had, with the same CRC. `conflict`: another CRC or another cut of numbers that were had: its bytes are kept and shown, the rows
 * of numbers that were missing are kept as readings. `refused`: it finds no room, or isn't what a node writes; its node keeps it.
 */
export type Verdict = 'new' | 'duplicate' | 'conflict' | 'refused';

/** What was taken, as its readings stand in the store. */
export interface Taken {
  readonly incoming: Incoming;
  readonly verdict: Verdict;
  /** For `refused`. */
  readonly why?: string;
  /** Of the readings that are new, in the order of the rows; empty for doubles and meta. */
  readonly readings: readonly Reading[];
  readonly stream?: StreamRef;
}

/** A stream of one epoch of one node, as others name it. */
export interface StreamRef {
  readonly streamId: bigint;
  readonly node: string;
  readonly epoch: string;
  readonly stream: string;
  readonly logClass: LogClass;
}

/** One row. */
export interface Reading {
  readonly sequence: bigint;
  /** Undefined: its boot has no anchor yet, and it moves here once one comes. */
  readonly wallNs: bigint | undefined;
  /** A value a channel; an enum is its index. Null: fault, or no number. */
  readonly values: readonly (number | null)[];
  /** Of utf8 and bytes channels (base64); undefined where the stream has none. */
  readonly texts?: readonly (string | null)[];
  /** A letter a channel: g good, s suspect, t stale, f fault. Undefined: all good. */
  readonly quality?: string;
}

export type Group = 'dev' | 'stage' | 'prod';

/** `live`: heard of within its own rhythm. `backlog`: it sends what is older than a minute. `late`: longer silent than its streams' rhythm. `silent`: no word for a day, or it said goodbye. */
export type NodeState = 'live' | 'backlog' | 'late' | 'silent';

export interface NodeSummary {
  readonly node: string;
  /** What people call it; the id until they do. */
  readonly name: string;
  readonly group: Group;
  readonly state: NodeState;
  /** When its last message came. */
  readonly heardMs: number;
  /** Of its newest reading. */
  readonly latestWallNs: bigint | undefined;
  readonly position?: {
    readonly latitude: number;
    readonly longitude: number;
    readonly wallNs: bigint | undefined;
  };
  /** 0 from the store: whoever keeps alerts fills it in. */
  readonly lostRows: bigint;
  /** The rule of the first cause that it last gave for what isn't well, such as `part.missing`. */
  readonly cause?: string;
}

export interface StreamSource extends StreamRef {
  readonly group: Group;
  readonly title: string;
  readonly channels: readonly Channel[];
}

/** What is kept for how many days (UTC); left out: for ever. `events`: classes alarm and event; `readings`: all other rows that are no log lines. */
export type RetentionKind = 'readings' | 'events' | 'logs';
export type Retention = { readonly [kind in RetentionKind]?: number | undefined };

export interface Removed {
  readonly rows: bigint;
  /** Of the oldest and the newest row that had a time. */
  readonly fromNs: bigint | undefined;
  readonly toNs: bigint | undefined;
}

export interface StreamSummary extends StreamRef {
  readonly title: string;
  readonly channels: readonly Channel[];
  readonly received: bigint;
  readonly lost: Readonly<Partial<Record<GapCause, bigint>>>;
  /** Neither received nor in a gap: under way, or missing. */
  readonly missing: bigint;
  /** Blocks. */
  readonly conflicts: bigint;
  /** Rows both received and in a gap whose cause excludes it: somebody is wrong. */
  readonly contradictions: bigint;
  /** What retention took away of what was received. */
  readonly removed: Removed | undefined;
  readonly latest: Reading | undefined;
}

export interface NodeDetail extends NodeSummary {
  /** As the node last said it (docs/wire-format.md, 6). */
  readonly status: Readonly<Record<string, unknown>> | undefined;
  /** What it last said of itself, which a last will doesn't take away. */
  readonly health: HeardHealth | undefined;
  readonly epochs: readonly { readonly epoch: string; readonly firstHeardMs: number }[];
  readonly boots: readonly {
    readonly epoch: string;
    readonly boot: number;
    readonly software: string;
    readonly start: RowTime;
  }[];
  /** Of the newest epoch first. */
  readonly streams: readonly StreamSummary[];
}

export interface Bucket {
  /** Middle of the bucket, ms since 1970. */
  readonly wallMs: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
}

export interface Series {
  readonly channel: Channel;
  /** By time; a bucket without readings is left out. */
  readonly buckets: readonly Bucket[];
  /** Between which times readings are lost (a gap), missing or removed by retention (then `rows` are all that were): nothing is to be drawn across. */
  readonly holes: readonly {
    readonly fromMs: number;
    readonly toMs: number;
    readonly rows: number;
    readonly cause: GapCause | 'missing' | 'removed';
  }[];
  /** ± so much at the most, per block, ms. */
  readonly uncertainty: readonly { readonly fromMs: number; readonly toMs: number; readonly ms: number }[];
  /** Readings of the stream whose time isn't known. */
  readonly timeless: bigint;
}

export interface Span {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

export interface LogLine {
  readonly node: string;
  readonly streamId: bigint;
  readonly wallNs: bigint | undefined;
  /** Its time, or when it came: by this they are sorted. */
  readonly atNs: bigint;
  readonly level: LogLevel;
  readonly module: string;
  readonly text: string;
  readonly sequence: bigint;
}

export interface LogQuery extends Partial<Span> {
  readonly level?: LogLevel;
  readonly node?: string;
  readonly group?: Group;
  /** Part of the text, any case. */
  readonly contains?: string;
  /** At most 1,000. */
  readonly limit: number;
  /** After this line of the page before: its `atNs`, `sequence` and `streamId`. */
  readonly before?: { readonly wallNs: bigint; readonly sequence: bigint; readonly streamId?: bigint };
}

/**
 * All that the fleet has of its nodes, on SQLite or PostgreSQL alike. What `take` resolves with is on the disk for good: receipts may be signed for it.
 * Rejects with DatabaseError.
 */
export interface Store {
  /** In one transaction, at most 1,024 of 131,072 rows together at once (else a RangeError); a verdict each, in order. `within` runs in the same transaction, after the rows are there; again where the transaction is tried again. */
  take(
    incoming: readonly Incoming[],
    receivedMs: number,
    within?: (tx: import('../db/index.js').Queries, taken: readonly Taken[]) => Promise<void>,
  ): Promise<readonly Taken[]>;
  /** The node's retained status, or another word of it; without `health` the last one stays. */
  heard(
    node: string,
    receivedMs: number,
    status?: Readonly<Record<string, unknown>>,
    health?: HeardHealth,
  ): Promise<void>;
  /** Messages that weren't taken, by cause: what was malformed, forged, too large. */
  refused(counts: Readonly<Record<string, number>>): Promise<void>;
  refusals(): Promise<Readonly<Record<string, bigint>>>;
  /** Moves the times of rows whose boot learned of an anchor, some 1,000 blocks at most; true while there is more to do. */
  repairTimes(): Promise<boolean>;
  /** Takes away rows that are older than is kept, in bounded steps; true while there is more to do. */
  forgetRows(retention: Retention): Promise<boolean>;

  nodes(
    nowMs: number,
    filter?: { readonly group?: Group; readonly search?: string },
  ): Promise<readonly NodeSummary[]>;
  node(node: string, nowMs: number): Promise<NodeDetail | undefined>;
  /** `within` runs in the same transaction. */
  rename(
    node: string,
    change: { readonly name?: string; readonly group?: Group },
    within?: import('../db/index.js').Within,
  ): Promise<void>;
  descriptor(streamId: bigint): Promise<Descriptor | undefined>;
  /** Whose it is, and what its rows mean: by one key, without its account. */
  stream(streamId: bigint): Promise<StreamSource | undefined>;
  /** Of one channel, in at most `points` buckets. */
  series(streamId: bigint, channel: number, span: Span, points: number): Promise<Series | undefined>;
  /** By time, at most `limit` and 10,000; the next page is from the last one's time, `after` its sequence. */
  readings(streamId: bigint, span: Span, limit: number, after?: bigint): Promise<readonly Reading[]>;
  gaps(node: string): Promise<
    readonly {
      readonly epoch: string;
      readonly stream: string;
      readonly first: bigint;
      /** Undefined: open. */
      readonly last: bigint | undefined;
      readonly cause: GapCause;
      readonly atMost: boolean;
      readonly learnedMs: number;
    }[]
  >;
  conflicts(node: string): Promise<
    readonly {
      readonly epoch: string;
      readonly stream: string;
      readonly first: bigint;
      readonly count: bigint;
      readonly crc: number;
      readonly receivedMs: number;
    }[]
  >;
  logs(query: LogQuery): Promise<readonly LogLine[]>;
  /** Lines of such nodes, of that time or later, that retention took away. */
  removedLogs(query: Pick<LogQuery, 'fromNs' | 'node' | 'group'>): Promise<Removed | undefined>;
}
