import type { LogClass } from '../../wire/index.js';
import { type GapCause, LOG_CLASSES } from '../../wire/index.js';
import { type Deletions, VALUE_OVERHEAD_BYTES } from './draft.js';
import { reasonOf } from './error.js';
import type { Footer } from './footers.js';
import { valueId, valueKey } from './keys.js';
import type { LevelDb, LevelOperation } from './options.js';
import { type ClassLog, EMPTY_LOG } from './records.js';
import { scanValues } from './scan.js';
import type { StoreState } from './state.js';
import type { BlockPosition } from './types.js';
import { readFooter, type ValueEntry, walkBlocks } from './value.js';

/** Dispositions that wait for a batch at most; further ones are forgotten, which costs a resend. */
const MAX_PENDING = 65536;

/** So much more room is made at once: deletions that come seldom let LevelDB rewrite less. */
const SPARE_SHARE = 1 / 64;

/** Why a block may go: a receipt, or the cause of its gap. */
export type Release = 'receipt' | GapCause | Rejection;

export interface Rejection {
  readonly rejected: string;
}

interface ReleasedValue {
  readonly class: LogClass;
  readonly commit: number;
  readonly blocks: Map<number, Release>;
}

export type Released = ReadonlyMap<number, ReleasedValue>;

/** Blocks that may go, by the value that holds them, until a batch has taken notice. */
export class Releases {
  #waiting = new Map<number, ReleasedValue>();
  /** With the batch in flight. */
  #taken: Released = new Map();
  #count = 0;
  #takenCount = 0;

  add({ class: name, commit, index }: BlockPosition, release: Release): void {
    if (this.#count >= MAX_PENDING) return;
    const id = valueId(name, commit);
    let value = this.#waiting.get(id);
    if (!value) {
      value = { class: name, commit, blocks: new Map() };
      this.#waiting.set(id, value);
    }
    if (!value.blocks.has(index)) this.#count += 1;
    value.blocks.set(index, release);
  }

  has({ class: name, commit, index }: BlockPosition): boolean {
    const id = valueId(name, commit);
    return (this.#waiting.get(id)?.blocks.has(index) || this.#taken.get(id)?.blocks.has(index)) ?? false;
  }

  /** Those that no batch has taken yet. */
  get waiting(): number {
    return this.#count - this.#takenCount;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** All of them, for a batch; until `landed` or `returned` they still count as released. */
  take(): Iterable<ReleasedValue> {
    this.#taken = this.#waiting;
    this.#waiting = new Map();
    this.#takenCount = this.#count;
    return this.#taken.values();
  }

  landed(): void {
    for (const { blocks } of this.#taken.values()) this.#count -= blocks.size;
    this.#taken = new Map();
    this.#takenCount = 0;
  }

  /** The batch is not on the disk: they wait for the next one. */
  returned(): void {
    for (const { class: name, commit, blocks } of this.#taken.values()) {
      this.#count -= blocks.size;
      for (const [index, release] of blocks) this.add({ class: name, commit, index }, release);
    }
    this.#taken = new Map();
    this.#takenCount = 0;
  }
}

/** Deletions of one batch as they are found. */
export class Deleter implements Deletions {
  readonly operations: LevelOperation[] = [];
  bytes = 0;
  readonly classes: Record<LogClass, ClassLog>;
  readonly #gone = new Set<number>();

  constructor(
    readonly state: StoreState,
    readonly db: LevelDb,
    /** What lies there is passed by, and its class's floor with it: nobody else would come across it soon. */
    readonly onDoubt: (where: string) => void,
  ) {
    this.classes = { ...state.classes };
  }

  /** Enters the releases; a value goes once all its blocks are settled. Idempotent: a failed batch's releases are entered again. */
  async release(values: Iterable<ReleasedValue>): Promise<void> {
    for (const { class: name, commit, blocks } of values) {
      // A dead letter is kept with its bytes.
      const isKept = [...blocks.values()].some((release) => typeof release !== 'string');
      const known = isKept ? undefined : this.state.footers.get(name, commit);
      const value = known ? undefined : await this.#get(name, commit);
      const footer = known ?? (value && footerOf(this.state, value));
      if (!footer) continue;
      for (const [index, release] of blocks) this.#settle(footer.entries[index], release, value);
      if (footer.entries.every((entry) => isSettled(this.state, entry))) this.#delete(name, commit, footer);
    }
  }

  /** A value that LevelDB can't read must not stop the writing of others. */
  async #get(name: LogClass, commit: number): Promise<Uint8Array | undefined> {
    try {
      return await this.db.get(valueKey(name, commit));
    } catch (error) {
      this.state.options.deps.log('error', `a value is unreadable (${name} ${commit}): ${reasonOf(error)}`);
      return undefined;
    }
  }

  /** Makes room: values go, oldest first, from the lowest class above its share, until what stays fits. */
  async evict(budgetBytes: number, newBytes: number): Promise<void> {
    for (let over = this.#over(budgetBytes, newBytes); over > 0; over = this.#over(budgetBytes, newBytes)) {
      const name = victim(this.classes, this.state.options.quotaPercent, budgetBytes);
      if (name === undefined) return;
      try {
        const bytes = this.classes[name].bytes - over - SPARE_SHARE * budgetBytes;
        const share = shareBytes(name, this.state.options.quotaPercent, budgetBytes);
        // Down to its share only: then the next class above its own gives way.
        await this.#evictFrom(name, this.classes[name].bytes > share ? Math.max(bytes, share) : bytes);
      } catch (error) {
        this.state.options.deps.log('error', `no room could be made in class ${name}: ${reasonOf(error)}`);
        return;
      }
    }
  }

  async #evictFrom(name: LogClass, enough: number): Promise<void> {
    const onUnreadable = (what: string): void => {
      this.state.options.deps.log('error', `LevelDB can't read on in class ${what}`);
      this.onDoubt(what);
    };
    for await (const [commit, value] of scanValues(this.db, name, this.classes[name].floor, onUnreadable)) {
      if (this.#gone.has(valueId(name, commit))) continue;
      const footer = footerOf(this.state, value);
      for (const entry of footer.entries)
        if (!isSettled(this.state, entry)) this.#settle(entry, 'quota', value);
      this.#delete(name, commit, footer);
      this.classes[name] = { ...this.classes[name], floor: commit + 1 };
      if (this.classes[name].bytes <= enough) return;
    }
    // Nothing is left: whatever the count said, this is what the class holds.
    this.classes[name] = { ...EMPTY_LOG, floor: this.state.batch };
  }

  #settle(entry: ValueEntry | undefined, release: Release, value: Uint8Array | undefined): void {
    const stream = entry && this.state.byId(entry.stream);
    if (!entry || !stream) return;
    const { first, count } = entry;
    if (release === 'receipt') this.state.received(stream, first, first + count);
    else if (typeof release === 'string')
      this.state.gap(stream, { first, last: first + count - 1, cause: release, atMost: false });
    else if (value) {
      const bytes = Uint8Array.from(value.subarray(entry.offset, entry.offset + entry.length));
      this.state.reject(stream, { first, count }, release.rejected, 'block', bytes);
    }
  }

  #delete(name: LogClass, commit: number, { entries, bytes }: Footer): void {
    this.operations.push({ type: 'del', key: valueKey(name, commit) });
    this.state.footers.delete(name, commit);
    this.#gone.add(valueId(name, commit));
    this.bytes += bytes;
    const log = this.classes[name];
    this.classes[name] = {
      floor: commit === log.floor ? commit + 1 : log.floor,
      values: Math.max(0, log.values - 1),
      blocks: Math.max(0, log.blocks - entries.length),
      bytes: Math.max(0, log.bytes - bytes - VALUE_OVERHEAD_BYTES),
    };
  }

  #over(budgetBytes: number, newBytes: number): number {
    return LOG_CLASSES.reduce((sum, name) => sum + this.classes[name].bytes, newBytes) - budgetBytes;
  }
}

/** The blocks of a value: by its footer, or where that is damaged by their own headers. */
export function entriesOf(state: StoreState, value: Uint8Array): readonly ValueEntry[] {
  const { native } = state.options.deps;
  return (
    readFooter(value, native.crc32c) ?? walkBlocks(value, native, (epoch, name) => state.find(epoch, name))
  );
}

function footerOf(state: StoreState, value: Uint8Array): Footer {
  return { entries: entriesOf(state, value), bytes: value.length };
}

export function isSettled(state: StoreState, { stream, first, count }: ValueEntry): boolean {
  return state.byId(stream)?.settled.covers(first, first + count) ?? false;
}

/** The lowest class above its share, else the lowest that has anything; the meta class never. */
function victim(
  classes: Readonly<Record<LogClass, ClassLog>>,
  quotaPercent: Readonly<Record<string, number>>,
  budgetBytes: number,
): LogClass | undefined {
  const held = LOG_CLASSES.filter((name) => name !== 'meta' && classes[name].values > 0).reverse();
  return held.find((name) => classes[name].bytes > shareBytes(name, quotaPercent, budgetBytes)) ?? held[0];
}

function shareBytes(
  name: LogClass,
  quotaPercent: Readonly<Record<string, number>>,
  budgetBytes: number,
): number {
  return ((quotaPercent[name] ?? 0) / 100) * budgetBytes;
}
