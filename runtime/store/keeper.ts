import { LOG_CLASSES, type LogClass } from '../../wire/index.js';
import { ballastBytes } from './ballast.js';
import { dropQuarantine, levelSizes } from './database.js';
import { reasonOf } from './error.js';
import { valueKey } from './keys.js';
import type { LevelDb } from './options.js';
import { codeOf } from './scan.js';
import type { StoreState } from './state.js';

const MIB = 1024 * 1024;
/** The most that LevelDB keeps in its level 1, which one compaction may write anew before it deletes what it read. */
const LEVEL_1_BYTES = 10 * MIB;
/** Dead values may take this share of the size before they are compacted away. */
const DEAD_SHARE = 1 / 8;
/** The disk is looked at after this share of the size was written or deleted. */
const STEP_SHARE = 1 / 32;
/** Should compaction not be enough, the budget shrinks and grows by these factors a look, down to an eighth. */
const SHRINK = 0.85;
const GROW = 1.05;

/** How the declared size is divided, bytes (measured in test/store/size). */
export interface Division {
  /** Live values. */
  readonly live: number;
  /** What may lie on the disk between compactions; the rest of the size is what a compaction needs. */
  readonly resting: number;
}

/**
 * Two logs and the tables that wait for compaction take six write buffers; a compaction writes up to a level anew, which in a small store
 * is everything.
 */
export function divide(sizeBytes: number, writeBufferBytes: number): Division {
  const ballast = ballastBytes(sizeBytes);
  const free = sizeBytes * (1 - DEAD_SHARE) - 6 * writeBufferBytes - ballast;
  const live = Math.max(free / 8, Math.max(free - LEVEL_1_BYTES, free / 2));
  return { live, resting: live + DEAD_SHARE * sizeBytes + 2 * writeBufferBytes + ballast };
}

/** The most that a directory was ever seen to take for a moment, of its declared size (1.24; 0.97 since no audit holds tables back). */
export const OVERSHOOT = 1.25;

/** What a store of this declared size may take on a file system that holds so much: compaction must never fill it up. */
export function fittingBytes(sizeBytes: number, capacityBytes: number | undefined): number {
  return capacityBytes === undefined ? sizeBytes : Math.min(sizeBytes, Math.floor(capacityBytes / OVERSHOOT));
}

/** Keeps the directory within its declared size: LevelDB keeps dead values until it is told to compact. Never on the commit's path. */
export class DiskKeeper {
  diskBytes = 0;
  #budgetBytes: number;
  #changedBytes = 0;
  readonly #division: Division;
  readonly #compacted = new Map<LogClass, number>();
  #running: Promise<void> | undefined;

  constructor(
    readonly state: StoreState,
    readonly database: () => LevelDb | undefined,
    /** A table can't be read: nothing is compacted until it is repaired. */
    readonly onDamage: (what: string) => void,
  ) {
    const { sizeBytes } = state.options;
    this.#division = divide(sizeBytes, levelSizes(sizeBytes).writeBufferBytes);
    this.#budgetBytes = this.#division.live;
  }

  /** What live values may take now. */
  get budgetBytes(): number {
    return this.#budgetBytes;
  }

  /** A batch wrote and deleted so much. */
  changed(bytes: number): void {
    this.#changedBytes += bytes;
    const db = this.database();
    if (this.#running || !db || this.#changedBytes < STEP_SHARE * this.state.options.sizeBytes) return;
    this.#changedBytes = 0;
    this.#running = this.#keep(db).finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when a batch of so many bytes may be written: while a compaction runs with the disk at its bound, rows wait in memory. */
  async room(bytes: number): Promise<void> {
    if (this.diskBytes + this.#changedBytes + bytes > this.#division.resting) await this.#running;
  }

  /** Resolves when no compaction runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #keep(db: LevelDb): Promise<void> {
    const { resting, live } = this.#division;
    try {
      await this.#measure();
      if (this.diskBytes > resting && (await dropQuarantine(this.state.options))) await this.#measure();
      if (this.diskBytes > resting - STEP_SHARE * this.state.options.sizeBytes) {
        await this.#compact(db);
        await this.#measure();
      }
    } catch (error) {
      this.state.options.deps.log('warn', `compaction was broken off: ${reasonOf(error)}`);
      if (codeOf(error) === 'LEVEL_CORRUPTION') this.onDamage(reasonOf(error));
      return;
    }
    const factor = this.diskBytes > resting ? SHRINK : GROW;
    this.#budgetBytes = Math.min(live, Math.max(live / 8, factor * this.#budgetBytes));
  }

  async #measure(): Promise<void> {
    const { path, deps } = this.state.options;
    this.diskBytes = await deps.files.sizeBytes(path);
  }

  /** What lies below the floors is dead: that range alone, so that live values aren't written once more. */
  async #compact(db: LevelDb): Promise<void> {
    for (const name of LOG_CLASSES) {
      const { floor } = this.state.classes[name];
      const done = this.#compacted.get(name) ?? 0;
      if (floor <= done) continue;
      await db.compact(valueKey(name, done), valueKey(name, floor));
      this.#compacted.set(name, floor);
    }
  }
}
