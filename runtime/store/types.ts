import type { Rows, StreamClass, StreamDeclaration } from '../../drivers/contract/index.js';
import type {
  Anchor,
  BlockHeader,
  Descriptor,
  Epoch,
  Gap,
  GapCause,
  LogClass,
  NodeId,
  RowTime,
} from '../../wire/index.js';

/** A stream as the pipeline declares it: full name, and a title for people. */
export interface StreamSpec extends StreamDeclaration {
  readonly title: string;
  /** Its rows are on the disk, and may be sent, within a second, whatever the flash budget says. Alarms and events are live by nature. */
  readonly live?: boolean;
}

/** Where a stored block is: its class's log, the commit, and its place in that commit's value. Grows with time. */
export interface BlockPosition {
  readonly class: LogClass;
  readonly commit: number;
  readonly index: number;
}

/** `newest`: by commit from the newest down, the blocks of one commit in their order. */
export type BlockOrder = 'oldest' | 'newest';

export interface StoredBlock {
  readonly position: BlockPosition;
  readonly header: BlockHeader;
  /** The sealed block, exactly as it was committed. */
  readonly bytes: Uint8Array;
}

/** What the right-hand side says of a block. `rejected`: it will never take it; the store writes a gap and lets it go. */
export type Disposition =
  | { readonly position: BlockPosition; readonly kind: 'receipt' }
  /** Given up for a budget of bytes; the store writes a gap. */
  | { readonly position: BlockPosition; readonly kind: 'thinned' }
  | { readonly position: BlockPosition; readonly kind: 'rejected'; readonly reason: string };

export interface EpochAnchor extends Anchor {
  readonly epoch: Epoch;
}

/** What nobody will ever take; its numbers are in a gap `rejected`. */
export interface DeadLetter {
  readonly epoch: Epoch;
  readonly stream: string;
  readonly first: number;
  /** Rows. */
  readonly count: number;
  readonly reason: string;
  /** When, boot time in ms. */
  readonly atMs: number;
  /** A sealed block, or rows that no block can hold: JSON of their times, values, qualities and texts. */
  readonly kind: 'block' | 'rows';
  readonly content: Uint8Array;
}

export type StoreHealth =
  | { readonly state: 'ok' }
  /** Nothing is lost yet: rows wait in bounded memory until the disk takes writes again. */
  | {
      readonly state: 'notWriting';
      readonly since: bigint;
      readonly reason: string;
      readonly waitingRows: number;
    };

export interface ClassStatus {
  readonly class: LogClass;
  readonly commits: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly quotaBytes: number;
}

export interface StreamStatus {
  readonly stream: string;
  readonly class: StreamClass | 'meta';
  /** The next sequence to be given. */
  readonly next: number;
  /** Numbers below this are durable in the reserve. */
  readonly limit: number;
  /** Numbers below this are on the disk, synced: in a committed row or in a gap. */
  readonly committed: number;
  /** Rows accounted for by gaps in this process's life, by cause. */
  readonly gaps: Readonly<Partial<Record<GapCause, number>>>;
}

/** What a power cut can cost of a class, or of its live streams. */
export interface LossWindow {
  readonly of: LogClass | 'live';
  /** From a row to its sync at most. */
  readonly ms: number;
  /** At the present rate. */
  readonly rows: number;
}

/** What the store asks of the flash, and how long that will last. */
export interface FlashStatus {
  readonly device: string | undefined;
  readonly sizeBytes: number;
  readonly sizeFrom: 'declared' | 'device' | 'file system' | 'assumed';
  readonly cycles: number;
  readonly lifeMs: number;
  /** What is written is counted by the device, other programs' writes included; otherwise it is modelled. */
  readonly isMeasured: boolean;
  /** While the store was open, in its life. */
  readonly writtenBytes: number;
  /** All that it may be told to write in its life, by whoever `isMeasured` counts. */
  readonly enduranceBytes: number;
  /** Over the last hour, as far as it was looked at: so long, s. */
  readonly bytesPerDay: number;
  readonly lookedS: number;
  readonly bytesPerDaySinceStart: number;
  readonly budgetBytesPerDay: number;
  /** Undefined while nothing was written. */
  readonly daysLeft: number | undefined;
  readonly daysLeftSinceStart: number | undefined;
  /** Of the store's own writes, by the model, since the start. */
  readonly bytesPerRow: number | undefined;
  /** The same per byte of the sealed blocks. */
  readonly bytesPerPayloadByte: number | undefined;
  readonly commitIntervalMs: number;
  readonly isAuto: boolean;
  /** What is written besides the group commits: content, live and alarm commits, other programs. */
  readonly otherBytesPerDay: number;
  readonly windows: readonly LossWindow[];
}

export interface StoreStatus {
  readonly node: NodeId;
  readonly epoch: Epoch;
  readonly boot: number;
  readonly health: StoreHealth;
  readonly classes: readonly ClassStatus[];
  readonly streams: readonly StreamStatus[];
  /** Since the process started. */
  readonly committedRows: number;
  readonly committedBlocks: number;
  readonly commits: number;
  /** Rows that wait for the next commit. */
  readonly pendingRows: number;
  readonly bytesWritten: number;
  readonly diskBytes: number;
  readonly flash?: FlashStatus;
  /** Of everything that is stored: once after each opening, then once a week. */
  readonly audit: AuditStatus;
}

export interface AuditStatus {
  readonly running: boolean;
  /** That came to their end, since the process started. */
  readonly done: number;
}

/** What one synced batch brought. */
export interface StoreCommit {
  readonly rows: number;
  readonly classes: readonly LogClass[];
  /** Where the commit's first block of each class stands: the uplink's live lane starts there. Without it there is no live lane. */
  readonly firsts?: readonly BlockPosition[];
  /** Classes with blocks of live streams among them. */
  readonly live?: readonly LogClass[];
}

export interface Store {
  readonly node: NodeId;
  /** '' while the disk hasn't let the store be opened (openPatiently); then `boot` is 0. */
  readonly epoch: Epoch;
  readonly boot: number;
  /** Makes the stream known; its descriptor is durable before its first block. Idempotent; a changed shape gives a new version. */
  declare(spec: StreamSpec): void;
  /**
   * Takes rows of a declared stream (`rows.stream` is the full name). Never waits, never throws for want of room: what memory can't
   * hold becomes a gap. Alarm-class rows commit at once, live and event rows within a second, the rest with their group.
   */
  append(rows: Rows): void;
  /** Takes an anchor of the current boot. */
  anchor(anchor: Omit<Anchor, 'boot'>): void;
  /** The wall time of a moment of any boot, by the anchors that the store has had; `unknown` for an epoch that isn't its own. */
  timeOf(epoch: Epoch, boot: number, monotonicNs: bigint): RowTime;
  /** Resolves when all that was appended before the call is synced, or is accounted for by a synced gap. */
  flush(): Promise<void>;
  /** Called after each commit has been synced: the acknowledgement. */
  onCommit(listener: (commit: StoreCommit) => void): () => void;
  /** Committed, undisposed blocks of a class after a position (all, when absent; index -1: before a commit's first) in the given order, oldest first unless said; at most `maxBlocks` and `maxBytes` (but one). */
  read(
    logClass: LogClass,
    after: BlockPosition | undefined,
    maxBlocks: number,
    maxBytes: number,
    order?: BlockOrder,
  ): Promise<readonly StoredBlock[]>;
  /** Frees blocks. Durable lazily: a lost receipt costs a resend, never data. */
  dispose(dispositions: readonly Disposition[]): void;
  /** Of any stored version, for payloads that name channels (SenML). Without it, or unknown: such payloads are held. */
  descriptor?(stream: string, version: number, epoch?: Epoch): Descriptor | undefined;
  /** Whether a stream of the current epoch is live; false for one that isn't declared (yet). */
  isLive?(stream: string): boolean;
  /** Gaps not yet turned into meta rows are turned into them now, so that they can be sent. */
  publishGaps(): Promise<void>;
  /** The anchors that the store keeps, of all its epochs: what `timeOf` goes by, for whoever computes times elsewhere. */
  anchors?(): readonly EpochAnchor[];
  /** What was rejected, oldest first: a bounded share of the size. */
  deadLetters?(): readonly DeadLetter[];
  /** Gaps in the ledger that no meta row carries yet. */
  openGaps(): readonly Gap[];
  status(): StoreStatus;
  /** Where each stream of the current epoch stands: the part of the status that is cheap enough for each commit. */
  streams(): readonly StreamStatus[];
  /** Commits, writes limit = next, closes. Never rejects: what it can't write becomes an `uncleanStop` gap at the next start. */
  close(): Promise<void>;
}

/** A store whose disk has let it be opened. */
export interface OpenStore extends Store {
  /** Rows of a declared stream were lost before they had numbers: they get them here, in a gap. */
  lost(stream: string, rows: number, cause: GapCause): void;
}
