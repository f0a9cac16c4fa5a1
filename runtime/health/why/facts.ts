import type { ConfigStatus } from '../../config/index.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { LatestRow } from '../../seen-rows.js';
import type { Finding } from './finding.js';

/** How the machine is, by its kernel; undefined: it can't be told here. */
export interface MachineFacts {
  readonly isUnderVoltage: boolean | undefined;
  readonly isThrottled: boolean | undefined;
  readonly temperatureC: number | undefined;
  readonly memoryAvailableBytes: number | undefined;
  /** The last reset was the hardware watchdog's (WDIOF_CARDRESET, linux/watchdog.h). */
  readonly wasReset: boolean | undefined;
  /** An interface other than loopback is up and has an address. */
  readonly hasNetwork: boolean | undefined;
}

/** Where the store lies. */
export interface DiskFacts {
  readonly path: string;
  readonly device: string | undefined;
  readonly freeBytes: number;
  readonly isReadOnly: boolean;
}

/** A part that doesn't answer, looked into (runtime/board/wiring). */
export interface WiringFact {
  readonly kind: string;
  readonly parts: readonly string[];
  /** As `cairn parts` says it. */
  readonly line: string;
  readonly where: string;
  readonly found: string;
  readonly todo: string;
}

/** What is known of the configuration and of how runs with it ended. */
export interface LifeFacts {
  /** Of the node file that would run: each problem with its place. */
  readonly problems: readonly string[];
  /** Which configuration runs; absent on a node that knows no trials. */
  readonly config?: ConfigStatus;
  /** Starts in a row that didn't settle. */
  readonly failedStarts: number;
  /** How the last run ended, where not in order: `watchdog (killed ABRT)`. */
  readonly lastEnd: string | undefined;
}

/** All that the rules look at: gathered once, by whoever asks why. 64-bit numbers as bigint. */
export interface Facts {
  readonly nowNs: bigint;
  /** Undefined: no node answers. */
  readonly node: PipelineStatus | undefined;
  readonly latest: readonly LatestRow[];
  readonly machine: MachineFacts;
  readonly disk: DiskFacts | undefined;
  readonly wiring: readonly WiringFact[];
  readonly life: LifeFacts;
}

/** What it sees of one kind of trouble; nothing where all is well. */
export type Rule = (facts: Facts) => readonly Finding[];
