import type { StoreOptions } from './options.js';

const MIB = 1024 * 1024;
/** With less left nothing more is kept, and with less than half of it something is given up. */
const SHORT_BYTES = 32 * MIB;
const AMPLE_BYTES = 2 * SHORT_BYTES;
/** What even a node in need keeps for rows. */
const FLOOR_BYTES = MIB;
/** Whichever comes first: others need memory too, and rows may come fast. */
const LOOK_EVERY_NS = 1_000_000_000n;
const LOOK_EVERY_BYTES = 4 * MIB;
/** What is kept at each look of a node in need: malloc gives pages back late, and what is dropped too much is lost. */
const KEPT = 0.75;

/** Of rows that are in memory and not yet on the disk, as they came or sealed. */
export class Memory {
  bytes = 0;
  /** All that they and their copies ever took or gave back: some of that may be garbage still. */
  turnoverBytes = 0;

  take(bytes: number): void {
    this.bytes += bytes;
    this.turnoverBytes += bytes;
  }

  give(bytes: number): void {
    this.bytes -= bytes;
    this.turnoverBytes += bytes;
  }

  /** They were copied, and one of the two is garbage by now. */
  copied(bytes: number): void {
    this.turnoverBytes += bytes;
  }
}

/** What rows that wait for the disk may take: what was declared, and less while the process is about to be ended for its memory. */
export class MemoryBound {
  #bytes: number;
  #lookedNs: bigint | undefined;
  #lookedBytes = 0;

  constructor(private readonly options: Pick<StoreOptions, 'memoryBytes' | 'deps'>) {
    this.#bytes = options.memoryBytes;
  }

  now({ bytes, turnoverBytes }: Pick<Memory, 'bytes' | 'turnoverBytes'>): number {
    const { spareMemoryBytes, nowNs } = this.options.deps;
    if (!spareMemoryBytes) return this.#bytes;
    const atNs = nowNs();
    const isDue =
      this.#lookedNs === undefined ||
      atNs - this.#lookedNs >= LOOK_EVERY_NS ||
      turnoverBytes - this.#lookedBytes >= LOOK_EVERY_BYTES;
    if (isDue) {
      this.#lookedNs = atNs;
      this.#lookedBytes = turnoverBytes;
      const isShort = this.#bytes < this.options.memoryBytes;
      this.#adapt(spareMemoryBytes(isShort ? AMPLE_BYTES : SHORT_BYTES), bytes);
    }
    return this.#bytes;
  }

  #adapt(spareBytes: number, heldBytes: number): void {
    const { memoryBytes, deps } = this.options;
    if (spareBytes >= AMPLE_BYTES) this.#bytes = memoryBytes;
    if (spareBytes >= SHORT_BYTES || heldBytes <= FLOOR_BYTES) return;
    if (this.#bytes === memoryBytes) {
      const left = (spareBytes / MIB).toFixed(0);
      deps.log(
        'warn',
        `memory is short, ${left} MiB left: no more rows are kept for the disk, the least precious go first`,
      );
    }
    const kept = spareBytes < SHORT_BYTES / 2 ? KEPT * heldBytes : heldBytes;
    this.#bytes = Math.min(this.#bytes, Math.max(FLOOR_BYTES, Math.floor(kept)));
  }
}
