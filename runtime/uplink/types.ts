import type { BlockPosition } from '../store/types.js';
import type { LinkFailure } from './failure.js';
import type { Unkept } from './notices.js';

/** Where the link stands; `since` is CLOCK_BOOTTIME ns. */
export type LinkState =
  | { readonly state: 'disabled' }
  | { readonly state: 'connecting'; readonly since: bigint }
  | { readonly state: 'online'; readonly since: bigint; readonly protocol: 4 | 5 }
  | {
      readonly state: 'waiting';
      readonly since: bigint;
      readonly retryInMs: number;
      readonly reason: string;
    };

/** Why there is no link, the last reason of so many failures in a row. */
export interface LinkTrouble extends LinkFailure {
  /** Of the first of them, CLOCK_BOOTTIME ns. */
  readonly sinceNs: bigint;
  readonly failures: number;
}

/** Of a link class of the node file. */
export interface BudgetStatus {
  readonly link: string;
  readonly isCurrent: boolean;
  readonly budgetBytesPerDay: number;
  /** Negative: alarms went beyond it. */
  readonly leftBytes: number;
  /** Since the process started. */
  readonly usedBytes: number;
}

export interface UplinkStatus {
  readonly link: LinkState;
  /** Absent once the broker has taken something on the present link. */
  readonly trouble: LinkTrouble | undefined;
  /** Whose word frees a block. */
  readonly custody: 'broker' | 'fleet';
  /** Blocks sent and not yet answered. */
  readonly inFlight: number;
  readonly window: number;
  /** Blocks that were freed by one. */
  readonly receipts: number;
  /** Custody `fleet`: blocks that the broker has, without a receipt. */
  readonly waiting: number;
  /** Custody `fleet`: blocks sent again because none came in time. */
  readonly resends: number;
  /** What came as a receipt and freed nothing, by cause: badSignature, unknownKey, otherNode, otherBlock, subscription … */
  readonly badReceipts: Readonly<Record<string, number>>;
  /** Answers that free nothing, by cause: noSubscriber, unknownId, deadline … */
  readonly refusals: Readonly<Record<string, number>>;
  readonly rejected: number;
  readonly connects: number;
  readonly bytesSent: number;
  /** Of each link class of the node file. */
  readonly budgets: readonly BudgetStatus[];
  readonly lastReceiptNs: bigint | undefined;
}

/** A block that has its receipt: whose rows are at the other end. */
export interface ReceivedBlock {
  readonly position: BlockPosition;
  readonly stream: string;
  /** Its first number, and its rows. */
  readonly first: number;
  readonly count: number;
}

export interface Uplink {
  start(): void;
  /** There is something new to send. */
  nudge(): void;
  /** An alarm that the disk has not taken in time: it goes without a number, as soon as there is a link. */
  notice(unkept: Unkept): void;
  /** What the link was told no longer holds: it is made anew. */
  renew(why: string): void;
  status(): UplinkStatus;
  /** Called with blocks as they get their receipts. Returns how to end that. */
  onReceived(listener: (blocks: readonly ReceivedBlock[]) => void): () => void;
  /** Waits at most `graceMs` for answers, publishes state `stopped`, disconnects. */
  stop(graceMs: number): Promise<void>;
}

/** How the node is, for its status (docs/wire-format.md §6): JSON of 1,100 bytes at most. */
export type StatusHealth = Readonly<Record<string, unknown>>;

/** `error` is for what a person must look at; the pipeline makes log rows of it. */
export type UplinkLog = (level: 'debug' | 'info' | 'warn' | 'error', text: string) => void;
