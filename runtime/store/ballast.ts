import { join } from 'node:path/posix';
import { reasonOf, StoreError } from './error.js';
import type { StoreOptions } from './options.js';

const SHARE = 1 / 16;
const MAX_BYTES = 8 * 1024 * 1024;
/** What a file system needs at least for a file. */
const PROBE_BYTES = 4096;

/** So much of the size is ballast, bytes: what LevelDB needs to open (its log becomes a table) and to write deletions. */
export function ballastBytes(sizeBytes: number): number {
  return Math.min(MAX_BYTES, Math.floor(sizeBytes * SHARE));
}

/**
 * Room on the disk that is taken while there is some, and given up when there is none: receipts, gaps and alarms are then written into
 * it, and what was delivered can be deleted.
 */
export class Ballast {
  #isHeld = false;
  readonly #path: string;
  readonly #bytes: number;

  constructor(readonly options: StoreOptions) {
    this.#path = join(options.path, 'ballast');
    this.#bytes = ballastBytes(options.sizeBytes);
  }

  /** Without it only what frees room, meta rows and alarms should be written. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** How much of alarms may be written while it isn't held, bytes. */
  get alarmBytes(): number {
    return this.#bytes / 4;
  }

  /** Takes the room where there is as much again beside it. Never rejects. */
  async hold(): Promise<boolean> {
    if (this.#isHeld) return true;
    const { files } = this.options.deps;
    try {
      const found = await files.sizeBytes(this.#path);
      if (found < this.#bytes) {
        if (!(await this.#hasRoom(2 * this.#bytes - found))) return false;
        await files.write(this.#path, new Uint8Array(this.#bytes));
      }
      this.#isHeld = true;
    } catch (error) {
      this.options.deps.log('info', `${this.#path}: no room is held back: ${reasonOf(error)}`);
      await this.#remove();
    }
    return this.#isHeld;
  }

  /** A write failed: should it be for want of room, the ballast gives way, where it can be removed. Never rejects. */
  async giveWay(): Promise<void> {
    if (this.#isHeld && !(await this.#isRoomKnown())) this.#isHeld = !(await this.#remove());
  }

  /** Rejects where the disk doesn't take a file, or has no room for an opening of the database, which would free `strayBytes`. */
  async probe(strayBytes: number): Promise<void> {
    const { path, deps } = this.options;
    const probe = join(path, 'probe');
    if (!(await this.#hasRoom(this.#bytes / 2))) {
      // What fills the disk is LevelDB's own: nothing but an opening ever frees it.
      if (await this.#hasRoom(this.#bytes / 2 - strayBytes)) return;
      throw new StoreError('io', path, 'the disk is full: no room to open the database anew');
    }
    await deps.files.write(probe, new Uint8Array(PROBE_BYTES).fill(0x2b));
    await deps.files.remove(probe);
  }

  async #remove(): Promise<boolean> {
    try {
      await this.options.deps.files.remove(this.#path);
      return true;
    } catch {
      return false; // the disk takes no change at all, which the failure that led here has said
    }
  }

  async #isRoomKnown(): Promise<boolean> {
    const { path, deps } = this.options;
    try {
      return ((await deps.files.freeBytes?.(path)) ?? 0) >= this.#bytes;
    } catch {
      return true; // a disk that answers nothing doesn't fail for want of room
    }
  }

  async #hasRoom(bytes: number): Promise<boolean> {
    const { path, deps } = this.options;
    const free = await deps.files.freeBytes?.(path);
    return free === undefined || free >= bytes;
  }
}
