import type { StoreOptions } from './options.js';

const MIB = 1024 * 1024;
/** With less left nothing more is kept; with less than half of it, the kernel may end the process before what is given up is freed. */
const SHORT_BYTES = 32 * MIB;
const AMPLE_BYTES = 2 * SHORT_BYTES;
/** What even a node in need keeps for rows. */
const FLOOR_BYTES = MIB;
const LOOK_EVERY_NS = 1_000_000_000n;
/** What is kept at each look of a node in need: the collector frees with delay, and what is dropped too much is lost. */
const KEPT = 0.75;

/** What rows that wait for the disk may take: what was declared, and less while the process is about to be ended for its memory. */
export class MemoryBound {
  #bytes: number;
  #lookedNs: bigint | undefined;

  constructor(private readonly options: Pick<StoreOptions, 'memoryBytes' | 'deps'>) {
    this.#bytes = options.memoryBytes;
  }

  /** `heldBytes`: what they take now. */
  now(heldBytes: number): number {
    const { spareMemoryBytes, nowNs } = this.options.deps;
    if (!spareMemoryBytes) return this.#bytes;
    const atNs = nowNs();
    if (this.#lookedNs === undefined || atNs - this.#lookedNs >= LOOK_EVERY_NS) {
      this.#lookedNs = atNs;
      this.#adapt(spareMemoryBytes(), heldBytes);
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
