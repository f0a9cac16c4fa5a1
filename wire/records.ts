import type { Channel, StreamClass } from '../drivers/contract/index.js';

/** The first 8 bytes of SHA-256 of the node's raw Ed25519 public key, as 16 lower-case hex digits. */
export type NodeId = string;
/** 64 random bits as 16 lower-case hex digits. */
export type Epoch = string;

/** What identifies a block everywhere: storing, sending, receipting, relaying, de-duplicating. */
export interface BlockIdentity {
  readonly node: NodeId;
  readonly epoch: Epoch;
  /** `bme.`-style full stream name: the part's id in the node file, then `.name` for all but its main stream. */
  readonly stream: string;
  /** The sequence of its first row. */
  readonly first: number;
}

/** All that a block's header says. */
export interface BlockHeader extends BlockIdentity {
  /** Rows, 1 to 4096. */
  readonly count: number;
  /** The boot that all its rows are from. */
  readonly boot: number;
  /** Which version of the stream's descriptor its columns follow. */
  readonly descriptorVersion: number;
}

/** What a stream looks like. A block names the version; a descriptor is stored and delivered before its first block. */
export interface Descriptor {
  readonly stream: string;
  /** Dense from 1 per (node, epoch, stream); grows when anything else here changes. */
  readonly version: number;
  /** For people: the part's title or what the node file calls it. */
  readonly title: string;
  readonly class: StreamClass;
  readonly channels: readonly Channel[];
}

/** A start of the machine as the node saw it. */
export interface BootRecord {
  readonly boot: number;
  /** The kernel's /proc/sys/kernel/random/boot_id, 36 characters. */
  readonly bootId: string;
  /** The runtime's version, and of the kernel. */
  readonly software: string;
}

export const ANCHOR_SOURCES = ['system', 'gnss', 'technician'] as const;
export type AnchorSource = (typeof ANCHOR_SOURCES)[number];

/** One tie between a boot's monotonic clock and the wall. */
export interface Anchor {
  readonly boot: number;
  readonly monotonicNs: bigint;
  /** ns since 1970-01-01T00:00:00Z. */
  readonly wallNs: bigint;
  /** The wall time is within ± this, ns. */
  readonly uncertaintyNs: bigint;
  readonly source: AnchorSource;
}

/**
 * Why numbers carry no reading. quota: its class was over its quota. thinned: dropped by a byte budget. rot: the store found it
 * damaged. uncleanStop: given or reserved when the process died. overflow: memory was full while the disk refused writes.
 * rejected: the right-hand side refused it for good (dead letter). epochEnd: the epoch's state was lost.
 */
export const GAP_CAUSES = [
  'quota',
  'thinned',
  'rot',
  'uncleanStop',
  'overflow',
  'rejected',
  'epochEnd',
] as const;
export type GapCause = (typeof GAP_CAUSES)[number];

/** Sequences [first, last] that are accounted for without a reading. */
export interface Gap {
  readonly epoch: Epoch;
  readonly stream: string;
  readonly first: number;
  /** Inclusive; `undefined`: open, all that may have followed. */
  readonly last: number | undefined;
  readonly cause: GapCause;
  /** True: at most this range; some of it was perhaps never produced, or is received after all. */
  readonly atMost: boolean;
}

export type MetaRecord =
  | { readonly kind: 'descriptor'; readonly value: Descriptor }
  | { readonly kind: 'boot'; readonly value: BootRecord }
  | { readonly kind: 'anchor'; readonly value: Anchor }
  | { readonly kind: 'gap'; readonly value: Gap };

/** The stream that carries MetaRecords, one CBOR array a row in its only channel (`record`, bytes). Its descriptor is fixed. */
export const META_STREAM = 'meta';

/** Everything a block may be filed under: the five classes of streams, and the meta stream's own. */
export const LOG_CLASSES = ['meta', 'alarm', 'event', 'telemetry', 'bulk', 'log'] as const;
export type LogClass = (typeof LOG_CLASSES)[number];

/** The labels of `level` in a node's own log (stream `log`: level, module, text), mildest first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** [a-z][a-z0-9-]{0,31}, optionally followed by `.` and [a-z][a-z0-9-]{0,15}. */
export const STREAM_NAME = /^[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,15})?$/;
