import type { FlashSpec } from './options.js';

/**
 * The arithmetic of flash wear: what a batch makes the device write, and what a card can take. docs/store.md has the measurements. The
 * device's own count of sectors, where the kernel gives one, takes the place of the model (wear.ts).
 */

/**
 * What each sync costs on ext4 beside the content, bytes: the log's page, written again by every batch that ends in it, and the journal's
 * descriptor, metadata and commit blocks (Linux Documentation/filesystems/ext4/journal.rst). Measured: 17.6 to 20.0 kB.
 */
export const SYNC_BYTES = 5 * 4096;
/** The reserve is written in place: one page, and no metadata that fdatasync would wait for. */
export const RESERVE_BYTES = 4096;
/** How often content is written in all: log, fresh table, compactions. Measured: 3.1 to 3.8. */
const REWRITES = 4;
/** The same of a store that deletes as fast as it writes. Measured: 5.1 (64 MiB) to 7.2 (16 MiB). */
const REWRITES_FULL = 7;

/**
 * What the card programs for each byte that it is told to write, its write amplification (WAF): life in bytes = capacity × cycles ÷ WAF, and
 * WAF ≫ 1 for small random writes (DAVE MISC-TN-017, which reckons with 5). A NAND page of 16 KiB is programmed whole, and a synced write
 * of one page of 4 KiB can't wait for company.
 */
export const FTL_FACTOR = 4;
/** Of a TLC card of no particular make: 300 to 500 are what card makers and their teardowns name. */
export const DEFAULT_CYCLES = 300;
export const DEFAULT_LIFE_MS = 5 * 365 * 86_400_000;
/** Where nobody says how large it is: the smallest card that is sold with boards. */
export const DEFAULT_SIZE_BYTES = 16e9;
/** Of what a device may take, the store's for sure: the rest is the system's, its logs' and updates', and the store's where they leave it. */
export const STORE_SHARE = 1 / 2;

/** Group commits under `commit: auto` are so far apart, ms. */
export const FASTEST_MS = 1_000;
export const SLOWEST_MS = 60_000;

/** A flash with all its figures. */
export interface Flash {
  readonly sizeBytes: number;
  readonly sizeFrom: 'declared' | 'device' | 'file system' | 'assumed';
  readonly cycles: number;
  readonly lifeMs: number;
}

/** What the node file says, then what the device says, then what is assumed. */
export function flashOf(spec: FlashSpec = {}, device?: { sizeBytes: number; isBlock: boolean }): Flash {
  const { cycles = DEFAULT_CYCLES, lifeMs = DEFAULT_LIFE_MS } = spec;
  if (spec.sizeBytes !== undefined) {
    return { sizeBytes: spec.sizeBytes, sizeFrom: 'declared', cycles, lifeMs };
  }
  if (!device || device.sizeBytes <= 0) {
    return { sizeBytes: DEFAULT_SIZE_BYTES, sizeFrom: 'assumed', cycles, lifeMs };
  }
  return { sizeBytes: device.sizeBytes, sizeFrom: device.isBlock ? 'device' : 'file system', cycles, lifeMs };
}

/** What the device may be told to write in all its life, bytes. */
export function enduranceBytes({ sizeBytes, cycles }: Flash): number {
  return (sizeBytes * cycles) / FTL_FACTOR;
}

/** The same a second of the wished life. */
export function budgetBytesPerS(flash: Flash): number {
  return enduranceBytes(flash) / (flash.lifeMs / 1000);
}

/** What reaches the device of content that is handed to LevelDB, bytes, the syncs left out. */
export function contentBytes(bytes: number, isFull: boolean): number {
  return bytes * (isFull ? REWRITES_FULL : REWRITES);
}

/** What one interval of group commits costs by itself: a sync, and the reserve that is renewed once in it. */
export const GROUP_BYTES = SYNC_BYTES + RESERVE_BYTES;

/** The shortest interval of group commits of so many bytes that leaves so much a second for everything else, ms; Infinity where nothing is left. */
export function intervalMs(groupBytes: number, allowedBytesPerS: number, otherBytesPerS: number): number {
  const left = allowedBytesPerS - otherBytesPerS;
  return left > 0 ? (1000 * groupBytes) / left : Number.POSITIVE_INFINITY;
}
