import type { LevelOperation } from '../../../runtime/store/index.js';
import type { Random } from '../kernel/random.js';
import type { Trace } from '../kernel/trace.js';
import type { Life } from '../machine/life.js';
import type { CrashMoment } from '../scenario.js';
import { fsError } from './error.js';
import type { LevelImage } from './image.js';
import type { SortedEntries } from './sorted.js';

export const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

/** A file: what programs see, and what would be left of it after a power cut. */
export interface SimFile {
  bytes: Uint8Array;
  durable: Uint8Array;
}

export interface DiskEvents {
  /** A disk operation has come to this point: the process may die here. */
  moment(life: Life, moment: CrashMoment): void;
  /** The product used the disk against its contract. */
  breach(text: string): void;
  /** A batch is on the disk, and about to show in what the database holds. */
  batch(operations: readonly LevelOperation[], entries: SortedEntries): void;
  /** A database was opened, and holds this. */
  opened(entries: SortedEntries): void;
}

/** The medium and its file system. It outlives processes and boots. */
export class Disk {
  readonly files = new Map<string, SimFile>();
  readonly databases = new Map<string, LevelImage>();
  /** What else lies on the medium. */
  ballastBytes = 0;
  readOnly = false;
  /** Shares of operations that fail with EIO. */
  failAppends = 0;
  failSyncs = 0;
  syncMs: number;
  peakBytes = 0;
  /** How to take back each change of a name that is not durable yet. */
  #names: (() => void)[] = [];

  constructor(
    readonly capacityBytes: number,
    syncMs: number,
    readonly random: Random,
    readonly trace: Trace,
    readonly events: DiskEvents,
  ) {
    this.syncMs = syncMs;
  }

  /** What a sync takes now, ns: mostly its usual time, now and then a few times that. */
  syncNs(): number {
    const slow = this.random.chance(0.05) ? 5 : 1;
    return this.syncMs * 1e6 * slow * (0.5 + this.random.float());
  }

  /** Nothing is wrong with it now. */
  get isCalm(): boolean {
    const { readOnly, failAppends, failSyncs, ballastBytes } = this;
    return !readOnly && failAppends === 0 && failSyncs === 0 && ballastBytes === 0 && this.syncMs < 100;
  }

  get usedBytes(): number {
    let used = this.ballastBytes;
    for (const { bytes } of this.files.values()) used += pages(bytes.length);
    for (const image of this.databases.values()) used += image.bytes;
    return used;
  }

  sizeBytes(path: string): number {
    const under = `${path}/`;
    let used = 0;
    for (const [name, { bytes }] of this.files)
      if (name === path || name.startsWith(under)) used += pages(bytes.length);
    for (const [name, image] of this.databases)
      if (name === path || name.startsWith(under)) used += image.bytes;
    return used;
  }

  /** Takes note of how full the store's directory is. */
  measure(path: string): void {
    this.peakBytes = Math.max(this.peakBytes, this.sizeBytes(path));
  }

  hasRoom(bytes: number): boolean {
    return this.usedBytes + bytes <= this.capacityBytes;
  }

  /** Throws where the medium refuses a write of so many new bytes. */
  admit(path: string, newBytes: number): void {
    if (this.readOnly) throw fsError('EROFS', path);
    if (this.failAppends > 0 && this.random.chance(this.failAppends)) throw fsError('EIO', path);
    if (newBytes > 0 && !this.hasRoom(newBytes)) throw fsError('ENOSPC', path);
  }

  syncFails(): boolean {
    return this.failSyncs > 0 && this.random.chance(this.failSyncs);
  }

  nameChanged(undo: () => void): void {
    this.#names.push(undo);
  }

  /** An fsync commits the file system's journal: all changes of names before it. */
  namesAreDurable(): void {
    this.#names = [];
  }

  /** The process is gone; the page cache stays. */
  processEnded(): void {
    for (const image of this.databases.values()) image.isOpen = false;
  }

  /** The power is gone: what wasn't synced survives by chance, sector by sector, name by name in their order. */
  powerCut(): void {
    this.processEnded();
    const kept = this.random.int(0, this.#names.length);
    for (const undo of this.#names.splice(kept).reverse()) undo();
    this.#names = [];
    for (const file of this.files.values()) this.#cutFile(file);
    for (const [path, image] of this.databases) this.#cutDatabase(path, image);
  }

  #cutFile(file: SimFile): void {
    if (file.bytes === file.durable) return;
    const left = file.bytes.slice();
    for (let at = 0; at < left.length; at += SECTOR_BYTES) {
      if (this.random.chance(0.5)) continue;
      const old = file.durable.subarray(at, at + SECTOR_BYTES);
      left.fill(0, at, at + SECTOR_BYTES);
      left.set(old, at);
    }
    file.bytes = left;
    file.durable = left;
  }

  #cutDatabase(path: string, image: LevelImage): void {
    const unsynced = image.log.findIndex((record) => !record.synced);
    if (unsynced >= 0) {
      const kept = this.random.chance(0.35) ? 1 : 0;
      this.trace.note('cut.log', `${image.log.length - unsynced - kept} lost, ${kept} kept`);
      image.log.length = unsynced + kept;
    }
    for (const record of image.log) record.synced = true;
    if (image.durable) return;
    const chance = this.random.float();
    this.trace.note('cut.creation', path);
    if (chance < 0.45) image.manifest = 'empty';
    else if (chance < 0.6) image.current = 'missing';
    else if (chance < 0.75) this.databases.delete(path);
  }
}

/** What a file takes, bytes. */
export function pages(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}
