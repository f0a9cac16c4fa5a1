import { LOG_CLASSES, type LogClass } from '../../wire/index.js';
import type { Memory } from './memory-bound.js';
import type { Stream } from './stream.js';
import { MAX_BLOCKS_PER_VALUE } from './value.js';

/** A sealed block that is not yet on the disk. */
export interface WaitingBlock {
  readonly stream: Stream;
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export type Taken = Readonly<Partial<Record<LogClass, readonly WaitingBlock[]>>>;

/** Sealed blocks in the order of their classes' logs. Those of a batch in flight stay in front, out of reach, until its fate is known. */
export class Backlog {
  readonly #blocks = new Map<LogClass, WaitingBlock[]>(LOG_CLASSES.map((name) => [name, []]));
  /** How many of each class's first blocks are in the batch in flight. */
  readonly #inFlight = new Map<LogClass, number>();

  constructor(readonly memory: Memory) {}

  push(block: WaitingBlock): void {
    this.#of(block.stream.class).push(block);
    this.memory.take(block.bytes.length);
  }

  /** The next batch's blocks: the most precious classes first, all of meta, up to `maxBytes` in all. They are in flight from now on. */
  take(maxBytes: number, classes: readonly LogClass[] = LOG_CLASSES): Taken {
    const taken: Partial<Record<LogClass, readonly WaitingBlock[]>> = {};
    for (const [name, blocks] of this.next(maxBytes, classes)) {
      if (blocks.length > 0) taken[name] = blocks;
      this.#inFlight.set(name, blocks.length);
    }
    return taken;
  }

  /** What `take` would take now: the last block may bring it over `maxBytes`. */
  *next(
    maxBytes: number,
    classes: readonly LogClass[] = LOG_CLASSES,
  ): Generator<[LogClass, readonly WaitingBlock[]]> {
    let left = maxBytes;
    for (const name of classes) {
      const blocks = this.#of(name);
      let count = 0;
      for (
        ;
        count < blocks.length && count < MAX_BLOCKS_PER_VALUE && (left > 0 || name === 'meta');
        count += 1
      ) {
        left -= blocks[count]!.bytes.length;
      }
      yield [name, blocks.slice(0, count)];
    }
  }

  /** The batch is on the disk. */
  landed(): void {
    for (const [name, count] of this.#inFlight) {
      for (const block of this.#of(name).splice(0, count)) this.memory.give(block.bytes.length);
    }
    this.#inFlight.clear();
  }

  /** The batch is not on the disk: its blocks wait again. */
  returned(): void {
    this.#inFlight.clear();
  }

  /** The oldest block of a class that may still be dropped. */
  dropOldest(name: LogClass): WaitingBlock | undefined {
    const [block] = this.#of(name).splice(this.#inFlight.get(name) ?? 0, 1);
    if (block) this.memory.give(block.bytes.length);
    return block;
  }

  /** Blocks beyond those in flight, oldest first. */
  *waiting(): Generator<WaitingBlock> {
    for (const [name, blocks] of this.#blocks) {
      for (let i = this.#inFlight.get(name) ?? 0; i < blocks.length; i += 1) yield blocks[i]!;
    }
  }

  get isEmpty(): boolean {
    return this.waiting().next().done === true;
  }

  get bytes(): number {
    let bytes = 0;
    for (const block of this.waiting()) bytes += block.bytes.length;
    return bytes;
  }

  /** Of all blocks, those in flight too. */
  get rows(): number {
    let rows = 0;
    for (const blocks of this.#blocks.values()) for (const block of blocks) rows += block.count;
    return rows;
  }

  #of(name: LogClass): WaitingBlock[] {
    return this.#blocks.get(name)!;
  }
}
