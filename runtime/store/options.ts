import type { StreamClass } from '../../drivers/contract/index.js';
import type { NativeApi } from '../../native/api.js';
import type { NodeId } from '../../wire/index.js';

/** What the store needs of a LevelDB. Keys and values are bytes; keys are ordered bytewise. Everything may reject. */
export interface LevelDb {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** All or nothing, and on the disk when it resolves. */
  batch(operations: readonly LevelOperation[]): Promise<void>;
  /** Keys in [from, to), in order or backwards. Always give the tightest bounds that are known: LevelDB walks dead keys one by one. */
  scan(
    from: Uint8Array,
    to: Uint8Array,
    backwards?: boolean,
  ): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  compact(from: Uint8Array, to: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export type LevelOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

export interface LevelOptions {
  readonly createIfMissing: boolean;
  readonly writeBufferBytes: number;
  readonly tableBytes: number;
}

export interface LevelCheck {
  /** Asked before each table. */
  goOn(): boolean;
  /** After so many bytes: a running node takes a breath here. */
  pause?(bytes: number): Promise<void> | undefined;
}

/** A file that is written in place. */
export interface PlainFile {
  write(bytes: Uint8Array, position: number): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** What a path lies on. */
export interface StorageDevice {
  /** `mmcblk0`; where it is no block device, the path. */
  readonly name: string;
  readonly isBlock: boolean;
  /** Of the whole device; of the file system where it is no block device. */
  readonly sizeBytes: number;
  /** By everybody since the machine started, by the kernel's count. */
  readonly writtenBytes?: number;
}

/** What a node file says of the flash; the rest is looked up or assumed (flash.ts). */
export interface FlashSpec {
  readonly sizeBytes?: number;
  /** Program/erase cycles. */
  readonly cycles?: number;
  /** How long it shall last. */
  readonly lifeMs?: number;
}

/** What the store needs of a file system. Paths are absolute or relative to the process. */
export interface StoreFiles {
  /** With its parents; no error when it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory; none when it isn't there. */
  list(path: string): Promise<readonly string[]>;
  /** `undefined` when it isn't there. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Makes or replaces the file and syncs it. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Opens an existing file for writing in place. */
  open(path: string): Promise<PlainFile>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory and all below it; no error when it isn't there. */
  remove(path: string): Promise<void>;
  /** Copies the files of a directory (not below it) into a new one. */
  copy(from: string, to: string): Promise<void>;
  /** fsync of a file or a directory. */
  sync(path: string): Promise<void>;
  /** Bytes on the disk of a file, or of all below a directory. */
  sizeBytes(path: string): Promise<number>;
  /** What a path lies on; `undefined` where nobody knows. */
  device?(path: string): Promise<StorageDevice | undefined>;
  /** What the file system of a path has room for, bytes; without it one tries. */
  freeBytes?(path: string): Promise<number>;
  /** What it would have room for if nothing lay there, bytes; `undefined` where nobody knows. */
  capacityBytes?(path: string): Promise<number | undefined>;
}

export type StoreLog = (level: 'info' | 'warn' | 'error', text: string) => void;

export interface StoreDeps {
  /** CLOCK_BOOTTIME, ns. */
  nowNs(): bigint;
  setTimer(run: () => void, afterMs: number): unknown;
  clearTimer(timer: unknown): void;
  random64(): bigint;
  readonly files: StoreFiles;
  openLevel(path: string, options: LevelOptions): Promise<LevelDb>;
  /** What is wrong with the tables of the database at `path`, open or not. Without it rot is found when LevelDB falls over it. */
  checkTables?(
    path: string,
    check: LevelCheck,
  ): Promise<{ readonly damage?: string; readonly isComplete: boolean }>;
  /** What was read of the database at `path`, open or not, need not stay in this process's memory. */
  letPagesGo?(path: string): void;
  /** Names of tables in the database's directory that it doesn't count as its own any more, or not yet: it need not be open. */
  strayTables?(path: string): Promise<readonly string[]>;
  /** Makes a new database at `to` of all that is whole in the one at `from`, which stays as it is. Rejects where it can't be written. */
  repairLevel(from: string, to: string): Promise<void>;
  readonly native: Pick<NativeApi, 'encodeBlock' | 'decodeHeader' | 'decodeBlock' | 'crc32c'>;
  readonly log: StoreLog;
  /**
   * What the process may still take before it is ended for its memory, bytes; garbage is not counted where less than `wantedBytes` would be
   * left with it. Absent: nobody knows.
   */
  spareMemoryBytes?(wantedBytes: number): number;
}

export interface StoreOptions {
  /** The store's directory; made when it isn't there. */
  readonly path: string;
  readonly node: NodeId;
  /** Changes when the card is moved to another machine or copied onto another card. */
  readonly machineId: string;
  /** The kernel's boot id. */
  readonly bootId: string;
  /** For the boot record: the runtime's version, and the kernel's. */
  readonly software: string;
  /** All that the directory may take on the disk, 1 MiB or more. */
  readonly sizeBytes: number;
  /** Guaranteed shares of the size; what they leave is common. Together at most 100. */
  readonly quotaPercent: Readonly<Record<StreamClass, number>>;
  /** How often rows go to the disk. `auto`: as often as the flash's budget allows. */
  readonly commitIntervalMs: number | 'auto';
  readonly flash?: FlashSpec;
  /** How far ahead numbers are reserved at least; two commit intervals where that is more. */
  readonly reserveAheadMs: number;
  /** Rows that wait for the disk at most, bytes, uncompressed. */
  readonly memoryBytes: number;
  readonly deps: StoreDeps;
}
