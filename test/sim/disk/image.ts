import type { LevelOperation } from '../../../runtime/store/index.js';
import { type Entry, SortedEntries } from './sorted.js';

/** LevelDB's log is read in blocks of this size: what is damaged costs the rest of its block. */
export const LOG_BLOCK_BYTES = 32 * 1024;
/** Of a log record and of each key in a table. */
const OVERHEAD_BYTES = 19;
/** Level-0 tables that make LevelDB compact by itself. */
const LEVEL_0_TABLES = 4;
const SMALL_FILES_BYTES = 8 * 1024;

/** One batch in the log. */
export interface LogRecord {
  readonly operations: readonly LevelOperation[];
  readonly bytes: number;
  /** Where in the log it begins. */
  readonly offset: number;
  synced: boolean;
  /** The watch has seen it. */
  told: boolean;
  /** Behind a failed append: whole on the disk, and never found by a reader (FINDINGS.md). */
  readonly shadowed: boolean;
}

/** A LevelDB database as its files hold it, open or not. */
export class LevelImage {
  /** What the tables hold. */
  tables = new SortedEntries();
  log: LogRecord[] = [];
  logBytes = 0;
  /** A failed append has moved the writer's place in the log on: what follows is lost at the next open. */
  shadow = false;
  /** Dead bytes in the tables, by the key that was overwritten or deleted. */
  dead: { readonly k: string; readonly bytes: number }[] = [];
  level0 = 0;
  liveTableBytes = 0;
  deadBytes = 0;
  current: 'there' | 'missing' = 'there';
  manifest: 'there' | 'missing' | 'empty' = 'there';
  manifestNumber = 4;
  /** Of keys [from, to) those that lay in the table that can't be read. */
  unreadable: { readonly from: string; readonly to: string; readonly keys: ReadonlySet<string> }[] = [];
  /** Keys whose value in its table isn't what was written. */
  rotten = new Set<string>();
  /** Its files and their names were synced after they were made. */
  durable = false;
  /** Since it was made. */
  syncedNames = new Set<string>();
  isOpen = false;
  /** An open handle reads what the table holds now. */
  onRot: ((entry: Entry) => void) | undefined;

  /** What an open finds: the tables, and the log as far as a reader gets; `onUntold` for what was never synced, before it is applied. */
  recovered(onUntold?: (operations: readonly LevelOperation[], to: SortedEntries) => void): SortedEntries {
    const found = new SortedEntries(this.tables.all);
    for (const record of this.log) {
      if (record.shadowed) continue;
      if (onUntold && !record.told) {
        record.told = true;
        onUntold(record.operations, found);
      }
      for (const operation of record.operations) found.apply(operation);
    }
    return found;
  }

  append(operations: readonly LevelOperation[]): LogRecord {
    const bytes = bytesOf(operations);
    const record = {
      operations,
      bytes,
      offset: this.logBytes,
      synced: false,
      told: false,
      shadowed: this.shadow,
    };
    this.log.push(record);
    this.logBytes += bytes;
    return record;
  }

  /** The log becomes a table; what is still being written stays in a new log. */
  flush(entries: SortedEntries, underWay: readonly LogRecord[] = []): void {
    for (const record of this.log) for (const operation of record.operations) this.#supersede(operation);
    for (const k of this.rotten)
      if (entries.get(k)?.value !== this.tables.get(k)?.value) this.rotten.delete(k);
    this.tables = new SortedEntries(entries.all);
    this.log = [...underWay];
    this.logBytes = underWay.reduce((sum, { bytes }) => sum + bytes, 0);
    this.shadow = false;
    this.manifestNumber += 1;
    this.level0 += 1;
    this.#count();
    if (this.level0 >= LEVEL_0_TABLES) this.compact('', '\uffff');
  }

  /** Each write of a key leaves the one before it dead in its table. */
  #supersede(operation: LevelOperation): void {
    const k = String.fromCharCode(...operation.key);
    const before = this.tables.get(k);
    if (before) this.dead.push({ k, bytes: sizeOf(before) });
    if (operation.type === 'del') this.dead.push({ k, bytes: operation.key.length + OVERHEAD_BYTES });
  }

  /** Drops what is dead in [from, to]. */
  compact(from: string, to: string): void {
    this.dead = this.dead.filter(({ k }) => k < from || k > to);
    this.level0 = 0;
    this.#count();
  }

  #count(): void {
    this.liveTableBytes = this.tables.all.reduce((sum, entry) => sum + sizeOf(entry), 0);
    this.deadBytes = this.dead.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get bytes(): number {
    return SMALL_FILES_BYTES + this.logBytes + this.liveTableBytes + this.deadBytes;
  }

  get manifestName(): string {
    return `MANIFEST-${String(this.manifestNumber).padStart(6, '0')}`;
  }

  /** Names as a directory lists them. */
  names(): readonly string[] {
    const names = ['LOCK', 'LOG', '000005.log'];
    if (this.current === 'there') names.push('CURRENT');
    if (this.manifest !== 'missing') names.push(this.manifestName);
    if (this.tables.all.length > 0) names.push('000007.ldb');
    return names;
  }

  read(name: string): Uint8Array | undefined {
    if (name === 'CURRENT')
      return this.current === 'there' ? new TextEncoder().encode(`${this.manifestName}\n`) : undefined;
    if (name === this.manifestName && this.manifest !== 'missing')
      return new Uint8Array(this.manifest === 'empty' ? 0 : 64);
    return this.names().includes(name) ? new Uint8Array(64) : undefined;
  }

  /** The number of the last batch that a power cut now would leave, by its head (docs/store.md: key H, u16 format, u64 batch). */
  syncedHead(): number {
    for (let i = this.log.length - 1; i >= 0; i -= 1) {
      const record = this.log[i]!;
      if (!record.synced || record.shadowed) continue;
      for (const operation of record.operations) {
        if (operation.type === 'put' && operation.key.length === 1 && operation.key[0] === 0x48)
          return batchOf(operation.value);
      }
    }
    const head = this.tables.get('H');
    return head ? batchOf(head.value) : 0;
  }

  isUnreadable(k: string): boolean {
    return this.unreadable.some(({ keys }) => keys.has(k) && this.tables.get(k) !== undefined);
  }

  copy(): LevelImage {
    const made = Object.assign(new LevelImage(), this);
    made.tables = new SortedEntries(this.tables.all);
    made.log = [...this.log];
    made.dead = [...this.dead];
    made.unreadable = [...this.unreadable];
    made.rotten = new Set(this.rotten);
    made.syncedNames = new Set(this.syncedNames);
    made.isOpen = false;
    made.onRot = undefined;
    return made;
  }
}

export function bytesOf(operations: readonly LevelOperation[]): number {
  let bytes = OVERHEAD_BYTES;
  for (const operation of operations) {
    bytes += operation.key.length + 6 + (operation.type === 'put' ? operation.value.length : 0);
  }
  return bytes;
}

export function sizeOf(entry: Entry): number {
  return entry.k.length + entry.value.length + OVERHEAD_BYTES;
}

function batchOf(head: Uint8Array): number {
  return Number(new DataView(head.buffer, head.byteOffset, head.byteLength).getBigUint64(2, true));
}
