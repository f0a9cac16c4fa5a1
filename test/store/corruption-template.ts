import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Rows, StreamClass } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { openStore, type Store, type StoredBlock, type StoreOptions } from '../../runtime/store/index.js';
import { RangeSet } from '../../runtime/store/ranges.js';
import { type Gap, LOG_CLASSES, META_STREAM } from '../../wire/index.js';
import { decodeMeta } from '../../wire/meta.js';
import { CHANNELS, testOptions } from './support.js';

export const CLASSES: Readonly<Record<string, StreamClass>> = {
  t: 'telemetry',
  e: 'event',
  a: 'alarm',
  l: 'log',
  b: 'bulk',
};

/** What the right-hand side has, and what it was told. */
export class Receiver {
  /** By `epoch stream`. */
  readonly rows = new Map<string, RangeSet>();
  readonly gaps: Gap[] = [];
  /** By `epoch stream first`: of every block, as it came first. */
  readonly blocks = new Map<string, Uint8Array>();
  /** Blocks that came with one identity and two contents. */
  readonly conflicts: string[] = [];

  take({ header, bytes }: StoredBlock): void {
    const key = `${header.epoch} ${header.stream}`;
    const known = this.blocks.get(`${key} ${header.first}`);
    if (known && Buffer.compare(known, bytes) !== 0) this.conflicts.push(`${key} ${header.first}`);
    else this.blocks.set(`${key} ${header.first}`, Uint8Array.from(bytes));
    const rows = this.rows.get(key) ?? new RangeSet();
    this.rows.set(key, rows);
    rows.add(header.first, header.first + header.count);
    if (header.stream === META_STREAM) this.#meta(bytes);
  }

  /** Numbers below `next` that it neither has nor was told of. */
  missing(key: string, next: number): readonly (readonly [number, number])[] {
    const accounted = new RangeSet(this.rows.get(key)?.bounds ?? []);
    for (const gap of this.gaps) {
      if (`${gap.epoch} ${gap.stream}` === key) accounted.add(gap.first, (gap.last ?? 2 ** 52) + 1);
    }
    return accounted.missing(0, next);
  }

  copy(): Receiver {
    const copy = new Receiver();
    for (const [key, rows] of this.rows) copy.rows.set(key, new RangeSet(rows.bounds));
    copy.gaps.push(...this.gaps);
    for (const [key, bytes] of this.blocks) copy.blocks.set(key, bytes);
    return copy;
  }

  #meta(bytes: Uint8Array): void {
    for (const text of native.decodeBlock(bytes).texts ?? []) {
      const record = decodeMeta(text as Uint8Array);
      if (record.kind === 'gap') this.gaps.push(record.value);
    }
  }
}

/** A store's files with all that is known of their content. */
export interface Template {
  readonly path: string;
  /** Past the last number that was acknowledged, by `epoch stream`. */
  readonly next: ReadonlyMap<string, number>;
  /** Before anything is drained. */
  readonly receiver: Receiver;
}

export function templateOptions(path: string, change: Partial<StoreOptions> = {}): StoreOptions {
  return testOptions(path, { sizeBytes: 3 * 1024 * 1024, reserveAheadMs: 200, ...change });
}

/** Declares the streams of every class. */
export async function openDeclared(options: StoreOptions): Promise<Store> {
  const store = await openStore(options);
  for (const [name, streamClass] of Object.entries(CLASSES)) {
    store.declare({ name, class: streamClass, title: `stream ${name}`, channels: CHANNELS });
  }
  return store;
}

export function someRows(random: () => number, stream: string, count: number): Rows {
  const rows: Rows = {
    stream,
    timesNs: BigInt64Array.from({ length: count }, (_, i) => BigInt(i) * 1_000_000n),
    values: new Float64Array(2 * count),
    quality: new Uint8Array(2 * count),
  };
  for (let i = 0; i < count; i += 1) {
    rows.values[2 * i] = Math.floor(random() * 2 ** 40) / 100;
    rows.values[2 * i + 1] = Math.floor(random() * 2 ** 50);
  }
  return rows;
}

/** Writes a store with two epochs, two boots, several tables and a log, gaps told and untold, and receipts. */
export class Maker {
  readonly receiver = new Receiver();
  readonly next = new Map<string, number>();
  store!: Store;

  constructor(
    readonly path: string,
    readonly random: () => number,
  ) {}

  async make(): Promise<readonly Template[]> {
    await this.#session({ machineId: 'machine-0', bootId: 'boot-0' }, 4);
    await this.#session({ bootId: 'boot-1' }, 6);
    await this.#session({ bootId: 'boot-2' }, 3);
    const tables = this.#template('clean');
    this.store = await openDeclared(templateOptions(join(this.path, 'made'), { bootId: 'boot-3' }));
    await this.#fill(6, 60);
    const unclean = this.#template('unclean');
    await this.store.close();
    return [tables, unclean, this.#template('log')];
  }

  async #session(change: Partial<StoreOptions>, rounds: number): Promise<void> {
    this.store = await openDeclared(templateOptions(join(this.path, 'made'), change));
    await this.#fill(rounds, 300);
    await this.store.close();
  }

  async #fill(rounds: number, rows: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      for (const name of ['t', 'l', 'b']) this.store.append(someRows(this.random, name, rows));
      this.store.append(someRows(this.random, 'e', 5));
      this.store.append(someRows(this.random, 'a', 1));
      const bad = someRows(this.random, 't', 3);
      bad.values[3] = 0.5; // a row that the codec refuses becomes a gap
      if (round % 2 === 0) this.store.append(bad);
      await this.store.flush();
      if (round % 3 === 1) await this.store.publishGaps();
      if (round % 2 === 1) await this.#receive();
    }
    for (const { stream, committed } of this.store.status().streams) {
      this.next.set(`${this.store.epoch} ${stream}`, committed);
    }
  }

  /** Receipts for every other block of the oldest: what the receiver has it never loses. */
  async #receive(): Promise<void> {
    for (const name of LOG_CLASSES) {
      const blocks = (await this.store.read(name, undefined, 6, 1e9)).filter(() => this.random() < 0.4);
      for (const block of blocks) this.receiver.take(block);
      this.store.dispose(blocks.map(({ position }) => ({ position, kind: 'receipt' })));
    }
    await this.store.flush();
  }

  #template(name: string): Template {
    for (const { stream, committed } of this.store.status().streams) {
      this.next.set(`${this.store.epoch} ${stream}`, committed);
    }
    const path = join(this.path, name);
    cpSync(join(this.path, 'made'), path, { recursive: true });
    return { path, next: new Map(this.next), receiver: this.receiver.copy() };
  }
}
