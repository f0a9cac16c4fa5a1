import type { LogClass } from '../../wire/index.js';
import type { BlockPosition, Store, StoredBlock } from '../store/types.js';

const PAGE_BLOCKS = 64;
const PAGE_BYTES = 256 * 1024;

/** A cursor over one class of the store, oldest first, with at most a page of blocks in memory. To start over is to make a new one. */
export class Lane {
  #cursor: BlockPosition | undefined;
  /** Where another lane took over; `undefined`: no end. */
  #end: BlockPosition | undefined;
  #page: StoredBlock[] = [];
  #mayHoldMore = true;
  /** It has been at the store's end: what it gives now is new. */
  live = false;

  constructor(
    readonly logClass: LogClass,
    after?: BlockPosition,
  ) {
    this.#cursor = after;
  }

  get wantsRead(): boolean {
    return this.#page.length === 0 && this.#mayHoldMore;
  }

  /** It ran into the lane that took over. */
  get isOver(): boolean {
    return this.#end !== undefined && this.#page.length === 0 && !this.#mayHoldMore;
  }

  get isDrained(): boolean {
    return this.#page.length === 0 && !this.#mayHoldMore;
  }

  /** There is more behind the cursor. */
  grew(): void {
    if (!this.#end) this.#mayHoldMore = true;
  }

  endAt(position: BlockPosition): void {
    this.#end = position;
    this.#page = this.#page.filter((block) => isBefore(block.position, position));
  }

  async read(store: Store): Promise<void> {
    this.#mayHoldMore = false;
    const blocks = await this.#readPage(store);
    const last = blocks.at(-1);
    if (!last) {
      this.live = true;
      return;
    }
    this.#cursor = last.position;
    const end = this.#end;
    this.#page = end ? blocks.filter((block) => isBefore(block.position, end)) : [...blocks];
    this.#mayHoldMore ||= this.#page.length === blocks.length;
  }

  async #readPage(store: Store): Promise<readonly StoredBlock[]> {
    try {
      return await store.read(this.logClass, this.#cursor, PAGE_BLOCKS, PAGE_BYTES);
    } catch (error) {
      this.#mayHoldMore = true;
      throw error;
    }
  }

  /** Forgets blocks that were settled since they were read. */
  drop(keys: ReadonlySet<string>): void {
    if (keys.size === 0 || this.#page.length === 0) return;
    this.#page = this.#page.filter((block) => !keys.has(positionKey(block.position)));
  }

  take(): StoredBlock | undefined {
    return this.#page.shift();
  }
}

function isBefore(a: BlockPosition, b: BlockPosition): boolean {
  return a.commit < b.commit || (a.commit === b.commit && a.index < b.index);
}

/** One name for one place. */
export function positionKey(position: BlockPosition): string {
  return `${position.class}/${position.commit}/${position.index}`;
}
