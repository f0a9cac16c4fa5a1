import type { LogClass } from '../../wire/index.js';
import type { BlockOrder, BlockPosition, Store, StoredBlock } from '../store/types.js';

const PAGE_BLOCKS = 256;
/** A block's bound (docs/wire-format.md §1). */
const MAX_BLOCK_BYTES = 1024 * 1024;
const PAGE_BYTES = MAX_BLOCK_BYTES + 256 * 1024;

export interface LaneOptions {
  readonly class: LogClass;
  readonly order: BlockOrder;
  /** Absent: from the order's beginning. */
  readonly after?: BlockPosition;
  /** Which blocks go by this lane; the others are another's. */
  readonly owns: (block: StoredBlock) => boolean;
}

/** A cursor over one class of the store, with at most a page of blocks in memory. To start over is to make a new one. */
export class Lane {
  #cursor: BlockPosition | undefined;
  #page: readonly StoredBlock[] = [];
  #taken = 0;
  #mayHoldMore = true;
  #isReading = false;

  constructor(private readonly options: LaneOptions) {
    this.#cursor = options.after;
  }

  get order(): BlockOrder {
    return this.options.order;
  }

  get #isEmpty(): boolean {
    return this.#taken >= this.#page.length;
  }

  get wantsRead(): boolean {
    return this.#isEmpty && this.#mayHoldMore;
  }

  /** What is being read may bring something. */
  get isDrained(): boolean {
    return this.#isEmpty && !this.#mayHoldMore && !this.#isReading;
  }

  /** There is more behind the cursor. */
  grew(): void {
    this.#mayHoldMore = true;
  }

  /** Ownership has changed. */
  sift(isWanted: (block: StoredBlock) => boolean = () => true): void {
    const { owns } = this.options;
    this.#page = this.#page.slice(this.#taken).filter((block) => owns(block) && isWanted(block));
    this.#taken = 0;
  }

  /** Reads the next page; of it only what is `isWanted` once it is here. */
  async read(store: Store, isWanted: (block: StoredBlock) => boolean): Promise<void> {
    this.#mayHoldMore = false;
    this.#isReading = true;
    try {
      const { class: logClass, order } = this.options;
      const blocks = await store.read(logClass, this.#cursor, PAGE_BLOCKS, PAGE_BYTES, order);
      this.#cursor = blocks.at(-1)?.position ?? this.#cursor;
      this.#mayHoldMore ||= isFull(blocks);
      this.#page = blocks;
      this.#taken = 0;
      this.sift(isWanted);
    } catch (error) {
      this.#mayHoldMore = true;
      throw error;
    } finally {
      this.#isReading = false;
    }
  }

  peek(): StoredBlock | undefined {
    return this.#page[this.#taken];
  }

  /** Passes the block that `peek` gave. */
  pass(): void {
    this.#taken++;
  }
}

/** There may be more behind: otherwise a further block would have fitted. */
function isFull(blocks: readonly StoredBlock[]): boolean {
  const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
  return blocks.length >= PAGE_BLOCKS || bytes > PAGE_BYTES - MAX_BLOCK_BYTES;
}

/** In the order of commits. */
export function isBefore(a: BlockPosition, b: BlockPosition): boolean {
  return a.commit < b.commit || (a.commit === b.commit && a.index < b.index);
}
