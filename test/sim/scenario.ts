import type { StreamClass } from '../../drivers/contract/index.js';

/** A whole run, as plain JSON: what the node is, what befalls it and when. Times are seconds of true time since the beginning. */
export interface Scenario {
  readonly format: 1;
  /** Of every chance that the scenario leaves open: latencies, back-offs, what a cut keeps. */
  readonly seed: number;
  /** Faults end by then; the calm follows. */
  readonly hours: number;
  /** The calm waits until the parts have given so many, too. */
  readonly readings?: number;
  readonly store: StorePlan;
  readonly uplink: UplinkPlan;
  readonly clock: ClockPlan;
  readonly streams: readonly StreamPlan[];
  readonly faults: readonly Fault[];
}

export interface StorePlan {
  readonly sizeBytes: number;
  /** Of the medium, beyond what the store declares. */
  readonly spareBytes: number;
  readonly commitIntervalMs: number | 'auto';
  /** What `auto` holds to; absent: the product's assumption. */
  readonly flash?: { readonly sizeBytes: number; readonly lifeMs: number };
  readonly reserveAheadMs: number;
  readonly memoryBytes: number;
  readonly quotaPercent: Readonly<Record<StreamClass, number>>;
  /** What a synced write takes, ms. */
  readonly syncMs: number;
}

export interface UplinkPlan {
  /** `fleet`: the receiver signs for what it holds, and nothing else frees a block. Absent: `broker`. */
  readonly custody?: 'broker' | 'fleet';
  /** Custody fleet: how long a block waits for its receipt, and the receiver for others to share one. */
  readonly receiptDeadlineMs?: number;
  readonly receiptBatchMs?: number;
  readonly backlog?: 'oldest' | 'newest';
  /** SenML packs beside the blocks. */
  readonly senml?: boolean;
  readonly protocol: 'auto' | '5' | '3.1.1';
  /** The broker knows MQTT 3.1.1 only. */
  readonly oldBroker: boolean;
  readonly window: number;
  readonly receiveMaximum: number;
  /** Of a whole packet that the broker takes, as MQTT 5 says it; absent: any. */
  readonly maximumPacketBytes?: number;
  readonly pubackDeadlineMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** Bytes a day that the way out may carry until the calm; the one of the calm is free. Absent: all are. */
  readonly budget?: BudgetPlan;
  /** One way, ms. */
  readonly latencyMs: number;
  /** Up and down each. */
  readonly bytesPerS: number;
}

export interface BudgetPlan {
  readonly bytesPerDay: number;
  readonly thin: readonly ('telemetry' | 'bulk' | 'log')[];
}

export interface ClockPlan {
  /** The crystal runs fast by this, 1e-6. */
  readonly ppm: number;
  /** No real-time clock: each power-up starts in 1970. */
  readonly startsIn1970: boolean;
  /** After each start of the machine, until the wall clock is disciplined; absent: never. */
  readonly syncAfterS?: number;
  /** The kernel's bound on a disciplined clock's error. */
  readonly maxErrorMs: number;
}

export interface StreamPlan {
  readonly id: string;
  readonly class: StreamClass;
  readonly shape: 'climate' | 'fifo' | 'door' | 'blob';
  /** Polled: between samples, ms. Absent: it speaks by itself, `perDay` times a day on average. */
  readonly intervalMs?: number;
  readonly perDay?: number;
  /** Rows that one sample brings, at most; half of it on average. */
  readonly burst: number;
  /** Live: committed within a second of its sample. */
  readonly live?: boolean;
  /** A new descriptor from this time on, as after an update of the node's configuration. */
  readonly reshapedAtS?: number;
}

export const CRASH_MOMENTS = [
  'now',
  'append',
  'sync',
  'synced',
  'reserve',
  'open',
  'files',
  'publish',
  'answer',
] as const;
export type CrashMoment = (typeof CRASH_MOMENTS)[number];
/** When an outage begins: at once, as the node sends, once the broker has taken a block, as its answer would arrive. */
export const LINK_MOMENTS = ['now', 'publish', 'taken', 'answer'] as const;
export type LinkMoment = (typeof LINK_MOMENTS)[number];
export const ROT_KINDS = [
  'valueBit',
  'recordBit',
  'tableRange',
  'logBit',
  'logLost',
  'logTail',
  'currentMissing',
  'manifestMissing',
  'manifestEmpty',
  'reserveSlot',
  'reserveLost',
] as const;
export type RotKind = (typeof ROT_KINDS)[number];
export const BUS_FAULTS = ['nack', 'timeout', 'hang', 'stuck', 'brownOut'] as const;
export type BusFault = (typeof BUS_FAULTS)[number];
export const OUTAGE_KINDS = ['dns', 'refused', 'timeout', 'captivePortal', 'tlsName', 'auth'] as const;
export type OutageKind = (typeof OUTAGE_KINDS)[number];

export type Fault = { readonly atS: number } & (
  | {
      /** The process ends, or the machine, at the next moment of that kind after `atS`; it is back after `downS`. */
      readonly kind: 'crash';
      readonly how: 'kill' | 'power' | 'stop' | 'reboot';
      readonly moment: CrashMoment;
      readonly downS: number;
      /** The card is put into another machine meanwhile. */
      readonly otherMachine?: boolean;
    }
  | {
      readonly kind: 'outage';
      readonly forS: number;
      readonly how: OutageKind;
      /** Half-open: what is connected stays so, and hears nothing. Otherwise it is reset. */
      readonly halfOpen: boolean;
      readonly moment?: LinkMoment;
    }
  | { readonly kind: 'silentBroker'; readonly forS: number; readonly takes: boolean }
  | { readonly kind: 'lostPuback'; readonly forS: number; readonly share: number }
  | { readonly kind: 'refusal'; readonly forS: number; readonly code: number; readonly share: number }
  | { readonly kind: 'noSubscriber'; readonly forS: number }
  | { readonly kind: 'takeOver'; readonly forS: number; readonly everyS: number }
  | { readonly kind: 'slowLink'; readonly forS: number; readonly factor: number }
  | { readonly kind: 'strayPuback'; readonly forS: number }
  /** Its queue is on its disk, or is lost with it (custody fleet only: a broker's word is worth no more than its disk). */
  | { readonly kind: 'brokerRestart'; readonly downS: number; readonly losesQueue?: boolean }
  | { readonly kind: 'lostReceipt'; readonly forS: number; readonly share: number }
  | { readonly kind: 'forgedReceipt' }
  | { readonly kind: 'receiverCrash'; readonly downS: number }
  | { readonly kind: 'jump'; readonly years: number; readonly resyncAfterS: number }
  | { readonly kind: 'diskFull'; readonly forS: number; readonly leftBytes: number }
  | {
      readonly kind: 'diskError';
      readonly forS: number;
      readonly on: 'append' | 'sync' | 'all';
      readonly share: number;
    }
  | { readonly kind: 'readOnly'; readonly forS: number }
  | {
      readonly kind: 'slowDisk';
      readonly forS: number;
      readonly syncMs: number;
    } /** `isLive`: the log under the running process, which sees it once it opens the database anew; else such files rot while it is ended. */
  | { readonly kind: 'rot'; readonly rot: RotKind; readonly isLive?: boolean }
  | { readonly kind: 'bus'; readonly forS: number; readonly stream: string; readonly how: BusFault }
  | { readonly kind: 'burst'; readonly stream: string; readonly rows: number }
  /** What the part gives next fits none of its channels. */
  | { readonly kind: 'poison'; readonly stream: string }
);

export type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>;
