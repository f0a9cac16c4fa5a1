import { native } from '../../native/index.js';
import { type BlockHeader, decodeMeta } from '../../wire/index.js';
import type { BlockPosition, Store, StoredBlock } from '../store/types.js';
import { Lane } from './lane.js';

/**
 * The descriptors among the meta blocks that have yet to be sent. A block whose own isn't among them can be read by whoever gets it, however
 * many anchors and gaps still wait. Looks through the class once a connection, a page at a time, and then at what is new.
 */
export class Undescribed {
  #ahead = wholeMeta();
  /** Where the descriptor is, by what it describes: at most one entry a stream's version. */
  readonly #waiting = new Map<string, BlockPosition>();

  /** Everything that has no receipt is to be sent. */
  rewind(): void {
    this.#ahead = wholeMeta();
    this.#waiting.clear();
  }

  /** There is more meta. */
  grew(): void {
    this.#ahead.grew();
  }

  /** Not all of the class was looked at. */
  get wantsRead(): boolean {
    return this.#ahead.wantsRead;
  }

  /** Looks at the next page: at those that are still to be sent once it is here. */
  async read(store: Store, isToSend: (block: StoredBlock) => boolean): Promise<void> {
    await this.#ahead.read(store, isToSend);
    for (let block = this.#ahead.peek(); block; block = this.#ahead.peek()) {
      for (const described of describedBy(block)) this.#waiting.set(described, block.position);
      this.#ahead.pass();
    }
  }

  /** The meta block goes on its way. */
  sent({ commit, index }: BlockPosition): void {
    for (const [described, at] of this.#waiting)
      if (at.commit === commit && at.index === index) this.#waiting.delete(described);
  }

  /** Whether the block's descriptor goes, or went, before it. False too while that can't be told. */
  hasSent(header: BlockHeader): boolean {
    return (
      !this.wantsRead && !this.#waiting.has(keyOf(header.epoch, header.stream, header.descriptorVersion))
    );
  }
}

function wholeMeta(): Lane {
  return new Lane({ class: 'meta', order: 'oldest', owns: () => true });
}

/** Nothing of a block that can't be decoded: it is refused when its turn comes. */
function describedBy({ bytes, header }: StoredBlock): readonly string[] {
  try {
    const records = (native.decodeBlock(bytes).texts ?? []).map((text) => decodeMeta(text as Uint8Array));
    return records.flatMap((record) =>
      record.kind === 'descriptor' ? [keyOf(header.epoch, record.value.stream, record.value.version)] : [],
    );
  } catch {
    return [];
  }
}

function keyOf(epoch: string, stream: string, version: number): string {
  return `${epoch}/${version}/${stream}`;
}
