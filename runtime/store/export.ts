import type { Descriptor, LogClass, RowTime } from '../../wire/index.js';
import { LOG_CLASSES } from '../../wire/index.js';
import { AnchorTable } from './anchors.js';
import { openForReading } from './database.js';
import { streamName } from './keys.js';
import { DirtyKeys } from './ledger.js';
import { type Loaded, load } from './load.js';
import type { LevelDb, StoreDeps } from './options.js';
import type { StreamRecord } from './records.js';
import { scanValues } from './scan.js';
import { descriptorOf } from './state.js';
import type { BlockPosition, Store, StoredBlock } from './types.js';
import { readFooter, tryHeader, walkBlocks } from './value.js';
import { finder, settledOf } from './verify.js';

/** A stored block, and what its columns mean. */
export interface HeldBlock {
  readonly class: LogClass;
  readonly bytes: Uint8Array;
  /** `undefined` for the meta stream, and where it is lost. */
  readonly descriptor: Descriptor | undefined;
}

/** A stored block with what is needed to understand it. */
export interface ExportedBlock extends HeldBlock {
  /** Received, or given up, and not yet gone from the disk. */
  readonly isSettled: boolean;
  timeOf(monotonicNs: bigint): RowTime;
}

/**
 * Every whole block of a store that no node has open, class by class, oldest first, received ones that still lie there included. LevelDB
 * allows one process at a time: StoreError `locked` while a node runs on it; `damaged` where the node has to repair the database first.
 */
export async function* exportBlocks(path: string, deps: StoreDeps): AsyncGenerator<ExportedBlock> {
  const db = await openForReading(path, deps);
  try {
    const loaded = await load(db, path, deps.native);
    const anchors = new AnchorTable(new DirtyKeys(), deps.native.crc32c);
    for (const [epoch, anchor] of loaded.anchors) anchors.load(epoch, anchor);
    for (const name of LOG_CLASSES) yield* exportClass(db, deps, loaded, name, anchors);
  } finally {
    await db.close();
  }
}

async function* exportClass(
  db: LevelDb,
  deps: StoreDeps,
  loaded: Loaded,
  name: LogClass,
  anchors: AnchorTable,
): AsyncGenerator<ExportedBlock> {
  const { native } = deps;
  const settled = settledOf(loaded);
  const onUnreadable = (what: string): void => deps.log('error', `LevelDB can't read on in class ${what}`);
  for await (const [, value] of scanValues(db, name, 0, onUnreadable)) {
    for (const entry of readFooter(value, native.crc32c) ?? walkBlocks(value, native, finder(loaded))) {
      const bytes = value.subarray(entry.offset, entry.offset + entry.length);
      const header = tryHeader(bytes, 0, native);
      if (!header) continue;
      const isIts = (record: StreamRecord): boolean =>
        streamName(record) === streamName(entry.stream) && record.version === header.descriptorVersion;
      yield {
        ...{ class: name, bytes, descriptor: descriptorOf(loaded.records.find(isIts)) },
        isSettled:
          settled.get(streamName(entry.stream))?.covers(header.first, header.first + header.count) ?? false,
        timeOf: (monotonicNs) => anchors.timeOf(entry.stream.epoch, header.boot, monotonicNs),
      };
    }
  }
}

/** Read in one go: the disk is asked again once these have been taken. */
const PAGE_BLOCKS = 16;
const PAGE_BYTES = 64 * 1024;

/**
 * The same of the node's own open store, as far as it was committed when this began, while it goes on: a few blocks at a time by the store's own reads,
 * so whoever is slow to take them holds nothing up, and nothing is held for him. What is received or evicted meanwhile is left out.
 */
export async function* heldBlocks(
  store: Pick<Store, 'read' | 'streams' | 'epoch' | 'descriptor'>,
  isWanted: (stream: string) => boolean,
): AsyncGenerator<HeldBlock> {
  const committed = new Map(store.streams().map((stream) => [stream.stream, stream.committed]));
  const isLater = ({ header: { epoch, stream, first } }: StoredBlock) =>
    epoch === store.epoch && first >= (committed.get(stream) ?? 0);
  for (const name of LOG_CLASSES) {
    let after: BlockPosition | undefined;
    for (let isOver = false; !isOver; ) {
      const page = await store.read(name, after, PAGE_BLOCKS, PAGE_BYTES);
      isOver = page.length === 0;
      for (const block of page) {
        // Blocks lie in the order of their commits: behind this one there are later ones only.
        isOver = isLater(block);
        if (isOver) break;
        after = block.position;
        const { stream, descriptorVersion, epoch } = block.header;
        if (!isWanted(stream)) continue;
        const descriptor = store.descriptor?.(stream, descriptorVersion, epoch);
        yield { class: name, bytes: block.bytes, descriptor };
      }
    }
  }
}
