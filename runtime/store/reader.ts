import type { LogClass } from '../../wire/index.js';
import { AFTER_ALL } from './keys.js';
import type { LevelDb } from './options.js';
import { entriesOf, isSettled, type Releases } from './release.js';
import { scanValues, scanValuesDown } from './scan.js';
import type { StoreState } from './state.js';
import type { BlockOrder, BlockPosition, StoredBlock } from './types.js';
import { readFooter, tryHeader, type ValueEntry } from './value.js';

export interface ReadRequest {
  readonly class: LogClass;
  readonly after: BlockPosition | undefined;
  readonly maxBlocks: number;
  readonly maxBytes: number;
  readonly order: BlockOrder;
}

/** Reads committed blocks of one class in the order asked for. Damaged ones become a gap and are passed by. */
export class Reader {
  readonly #blocks: StoredBlock[] = [];
  #bytes = 0;

  constructor(
    readonly state: StoreState,
    readonly releases: Releases,
    /** Hears of what isn't whole. */
    readonly scrubber: { doubt(where: string): void },
    readonly request: ReadRequest,
  ) {}

  async read(db: LevelDb): Promise<readonly StoredBlock[]> {
    const { class: name, after, order } = this.request;
    const { batch, classes } = this.state;
    const { floor } = classes[name];
    const from = order === 'oldest' ? Math.max(floor, after?.commit ?? 0) : floor;
    let isSeen = from === floor;
    const onUnreadable = (what: string): void => {
      isSeen = false;
      this.scrubber.doubt(what);
    };
    const values =
      order === 'oldest'
        ? scanValues(db, name, from, onUnreadable)
        : scanValuesDown(db, name, floor, after?.commit ?? AFTER_ALL, onUnreadable);
    // Downwards nothing is seen of what lies above the place to go on from.
    const top = order === 'newest' && after ? Math.min(batch, after.commit) : batch;
    let lowest = top + 1;
    for await (const [commit, value] of values) {
      lowest = Math.min(lowest, commit);
      if (this.#readValue(commit, value)) continue;
      // What lies further down was not seen.
      if (order === 'newest') isSeen = false;
      break;
    }
    if (isSeen) this.#raiseFloor(floor, lowest);
    return this.#blocks;
  }

  /** False once there is enough. */
  #readValue(commit: number, value: Uint8Array): boolean {
    const { class: name, after, maxBlocks } = this.request;
    const footer = readFooter(value, this.state.options.deps.native.crc32c);
    if (!footer) this.#damaged(name, commit);
    const entries = footer ?? entriesOf(this.state, value);
    const isOver = entries.every((entry) => isSettled(this.state, entry));
    // Its deletion was lost, or it came back with a repair; or a batch deletes it now.
    if (isOver && entries.length > 0) this.releases.add({ class: name, commit, index: 0 }, 'receipt');
    if (!isOver && footer) this.state.footers.put(name, commit, { entries, bytes: value.length });
    for (const [index, entry] of entries.entries()) {
      const position = { class: name, commit, index };
      if (after && commit === after.commit && index <= after.index) continue;
      if (this.releases.has(position) || isSettled(this.state, entry)) continue;
      const block = this.#block(position, entry, value);
      if (!block) continue;
      if (this.#blocks.length > 0 && this.#bytes + block.bytes.length > this.request.maxBytes) return false;
      this.#blocks.push(block);
      this.#bytes += block.bytes.length;
      if (this.#blocks.length >= maxBlocks) return false;
    }
    return true;
  }

  #block(position: BlockPosition, entry: ValueEntry, value: Uint8Array): StoredBlock | undefined {
    const { deps } = this.state.options;
    const bytes = value.subarray(entry.offset, entry.offset + entry.length);
    const found = tryHeader(bytes, 0, deps.native);
    if (
      !found ||
      found.byteLength !== entry.length ||
      found.first !== entry.first ||
      found.count !== entry.count
    ) {
      const rows = `${entry.first} to ${entry.first + entry.count - 1}`;
      deps.log('error', `a block is damaged: its rows ${rows} become a gap (${where(position)})`);
      this.releases.add(position, 'rot');
      return undefined;
    }
    const { node, epoch, stream, first, count, boot, descriptorVersion } = found;
    const owner = this.state.learn(entry.stream, epoch, stream, position.class);
    if (owner?.name !== stream || this.state.identity.epochs[owner.epoch] !== epoch) {
      deps.log(
        'error',
        `a block of ${stream} lies where one of ${owner?.name} should be (${where(position)})`,
      );
      this.releases.add(position, 'rot');
      return undefined;
    }
    return { position, header: { node, epoch, stream, first, count, boot, descriptorVersion }, bytes };
  }

  #damaged(name: LogClass, commit: number): void {
    this.state.options.deps.log('error', `a value's table of blocks is damaged (${name} ${commit})`);
    this.scrubber.doubt(`${name} ${commit}`);
  }

  /** Nothing lies between the floor that was read from and the first value: later scans needn't walk dead keys. An audit may have lowered it meanwhile. */
  #raiseFloor(from: number, commit: number): void {
    const { class: name } = this.request;
    const log = this.state.classes[name];
    if (log.floor === from && commit > from)
      this.state.classes = { ...this.state.classes, [name]: { ...log, floor: commit } };
  }
}

function where({ class: name, commit, index }: BlockPosition): string {
  return `${name} ${commit}/${index}`;
}
