import { native } from '../../native/index.js';
import type {
  BlockOrder,
  BlockPosition,
  Disposition,
  Store,
  StoredBlock,
  StoreStatus,
  StreamStatus,
} from '../../runtime/store/types.js';
import {
  type Descriptor,
  encodeMeta,
  type Gap,
  type LogClass,
  META_STREAM,
  type MetaRecord,
} from '../../wire/index.js';

type Listener = Parameters<Store['onCommit']>[0];

/** The store's promise in memory: real blocks, no disk. */
export class FakeStore implements Store {
  constructor(readonly node = '0123456789abcdef') {}
  readonly epoch = 'fedcba9876543210';
  boot = 3;
  /** Streams that are declared live. */
  readonly liveStreams = new Set<string>();
  readonly disposed: Disposition[] = [];
  gaps: Gap[] = [];
  publishGapsCalls = 0;
  reads = 0;
  failReads = false;
  readonly #blocks: StoredBlock[] = [];
  readonly #next = new Map<string, number>();
  readonly #listeners = new Set<Listener>();
  readonly descriptors = new Map<string, Descriptor>();
  #commit = 0;

  declare(): void {}
  append(): void {}
  anchor(): void {}

  /** What the store knows of wall time; a test says it. */
  timeOf: Store['timeOf'] = () => ({ kind: 'unknown' });

  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** Commits one block a given stream, of `rows` values; tells the listeners unless `quiet`. */
  commit(
    blocks: readonly { class: LogClass; stream: string; rows?: number; boot?: number; timeNs?: bigint }[],
  ): StoredBlock[] {
    this.#commit++;
    const stored = blocks.map((block, index) => this.#seal(block, index));
    this.#blocks.push(...stored);
    const firsts = new Map<LogClass, BlockPosition>();
    for (const { position } of stored) if (!firsts.has(position.class)) firsts.set(position.class, position);
    const live = new Set(
      stored
        .filter((one) => isLiveClass(one) || this.isLive(one.header.stream))
        .map((one) => one.position.class),
    );
    const classes = [...firsts.keys()];
    const commit = { rows: stored.length, classes, firsts: [...firsts.values()], live: [...live] };
    for (const listener of this.#listeners) listener(commit);
    return stored;
  }

  commitMeta(...records: MetaRecord[]): StoredBlock[] {
    const texts = records.map(encodeMeta);
    return this.#commitRows('meta', META_STREAM, { kind: 'bytes' }, texts);
  }

  #commitRows(
    logClass: LogClass,
    stream: string,
    type: { kind: 'bytes' },
    texts: Uint8Array[],
  ): StoredBlock[] {
    this.#commit++;
    const first = this.#take(stream, texts.length);
    const header = {
      node: this.node,
      epoch: this.epoch,
      stream,
      first,
      boot: this.boot,
      descriptorVersion: 1,
    };
    const n = texts.length;
    const bytes = native.encodeBlock(header, [type], {
      timesNs: new BigInt64Array(n).fill(1_000_000_000n),
      values: new Float64Array(n).fill(Number.NaN),
      quality: new Uint8Array(n),
      texts,
    });
    const position = { class: logClass, commit: this.#commit, index: 0 };
    const block = { position, header: { ...header, count: n }, bytes };
    this.#blocks.push(block);
    for (const listener of this.#listeners) listener({ rows: n, classes: [logClass], firsts: [position] });
    return [block];
  }

  #take(stream: string, count: number): number {
    const first = this.#next.get(stream) ?? 0;
    this.#next.set(stream, first + count);
    return first;
  }

  #seal(
    block: { class: LogClass; stream: string; rows?: number; boot?: number; timeNs?: bigint },
    index: number,
  ): StoredBlock {
    const count = block.rows ?? 1;
    const first = this.#take(block.stream, count);
    const boot = block.boot ?? this.boot;
    const header = {
      node: this.node,
      epoch: this.epoch,
      stream: block.stream,
      first,
      boot,
      descriptorVersion: 1,
    };
    const bytes = native.encodeBlock(header, [{ kind: 'f64' }], {
      timesNs: BigInt64Array.from(
        { length: count },
        (_, i) => (block.timeNs ?? 1_000_000_000n) + BigInt(i) * 1_000_000n,
      ),
      values: Float64Array.from({ length: count }, (_, i) => Math.sin(first + i)),
      quality: new Uint8Array(count),
    });
    return {
      position: { class: block.class, commit: this.#commit, index },
      header: { ...header, count },
      bytes,
    };
  }

  /** Flips a byte of a stored block, as a rotten card would. */
  rot(block: StoredBlock): void {
    block.bytes[block.bytes.length >> 1]! ^= 0xff;
  }

  onCommit(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isLive(stream: string): boolean {
    return this.liveStreams.has(stream);
  }

  descriptor(stream: string, version: number): Descriptor | undefined {
    return this.descriptors.get(`${stream}/${version}`);
  }

  async read(
    logClass: LogClass,
    after: BlockPosition | undefined,
    maxBlocks: number,
    maxBytes: number,
    order: BlockOrder = 'oldest',
  ): Promise<readonly StoredBlock[]> {
    this.reads++;
    if (this.failReads) throw new Error('the disk says no');
    const found: StoredBlock[] = [];
    let bytes = 0;
    const isBehind = order === 'oldest' ? isAfter : isBehindNewest;
    const blocks = order === 'oldest' ? this.#blocks : [...this.#blocks].sort(newestFirst);
    for (const block of blocks) {
      if (block.position.class !== logClass || (after && !isBehind(block.position, after))) continue;
      bytes += block.bytes.length;
      if (found.length > 0 && bytes > maxBytes) break;
      found.push(block);
      if (found.length === maxBlocks) break;
    }
    return found;
  }

  dispose(dispositions: readonly Disposition[]): void {
    for (const one of dispositions) {
      this.disposed.push(one);
      const at = this.#blocks.findIndex((block) => key(block.position) === key(one.position));
      if (at < 0) throw new Error(`disposed of twice: ${key(one.position)}`);
      this.#blocks.splice(at, 1);
    }
  }

  get left(): readonly StoredBlock[] {
    return this.#blocks;
  }

  publishGaps(): Promise<void> {
    this.publishGapsCalls++;
    const gaps = this.gaps;
    this.gaps = [];
    if (gaps.length > 0) this.commitMeta(...gaps.map((value) => ({ kind: 'gap' as const, value })));
    return Promise.resolve();
  }

  openGaps(): readonly Gap[] {
    return this.gaps;
  }

  streams(): readonly StreamStatus[] {
    throw new Error('the uplink asks the store for no streams');
  }

  status(): StoreStatus {
    throw new Error('the uplink asks the store for no status');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function key(position: BlockPosition): string {
  return `${position.class}/${position.commit}/${position.index}`;
}

function isAfter(a: BlockPosition, b: BlockPosition): boolean {
  return a.commit > b.commit || (a.commit === b.commit && a.index > b.index);
}

function newestFirst(a: StoredBlock, b: StoredBlock): number {
  return isBehindNewest(b.position, a.position) ? -1 : 1;
}

function isBehindNewest(a: BlockPosition, b: BlockPosition): boolean {
  return a.commit < b.commit || (a.commit === b.commit && a.index > b.index);
}

function isLiveClass({ position }: StoredBlock): boolean {
  return position.class === 'alarm' || position.class === 'event';
}
