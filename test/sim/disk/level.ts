import type { LevelDb, LevelOperation, LevelOptions } from '../../../runtime/store/index.js';
import type { Life } from '../machine/life.js';
import type { Disk } from './disk.js';
import { levelError, notOpen } from './error.js';
import { bytesOf, LevelImage } from './image.js';
import { keyText, SortedEntries } from './sorted.js';

const OPEN_MS = 3;
const COMPACT_MS = 20;
/** A new MANIFEST and log. */
const OPEN_BYTES = 8 * 1024;

/** LevelDB 1.20 at the level of its operations, on the simulated disk. What is modelled is in docs/simulation.md. */
export function openLevel(disk: Disk, life: Life, path: string, options: LevelOptions): Promise<LevelDb> {
  disk.events.moment(life, 'open');
  if (disk.databases.get(path)?.isOpen)
    disk.events.breach(`${path} is opened twice: LevelDB would drop its lock`);
  return life.later(OPEN_MS * 1e6, () => {
    try {
      return new Handle(disk, life, imageAt(disk, path, options), options, path);
    } catch (error) {
      throw notOpen(error as Error);
    }
  });
}

function imageAt(disk: Disk, path: string, { createIfMissing }: LevelOptions): LevelImage {
  const found = disk.databases.get(path);
  if (!found || found.current === 'missing') {
    if (!createIfMissing) throw levelError('LEVEL_IO_ERROR', `${path}: does not exist`);
    admit(disk, path, OPEN_BYTES);
    const made = new LevelImage();
    disk.databases.set(path, made);
    made.isOpen = true;
    return made;
  }
  if (found.manifest !== 'there') throw levelError('LEVEL_CORRUPTION', `${path}: no or bad MANIFEST`);
  // The log becomes a table, behind a new MANIFEST.
  admit(disk, path, OPEN_BYTES + found.logBytes);
  const entries = found.recovered((operations, to) => disk.events.batch(operations, to));
  if (found.log.length > 0) found.flush(entries);
  found.manifestNumber += 1;
  found.shadow = false;
  found.isOpen = true;
  return found;
}

function admit(disk: Disk, path: string, bytes: number): void {
  try {
    disk.admit(path, bytes);
    if (disk.syncFails()) throw levelError('LEVEL_IO_ERROR', `${path}: EIO`);
  } catch (error) {
    throw levelError('LEVEL_IO_ERROR', `IO error: ${(error as Error).message}`);
  }
}

class Handle implements LevelDb {
  /** As a reader in this process sees it. */
  readonly #entries: SortedEntries;
  #closed = false;
  /** Why every further write fails: only what LevelDB itself notices. */
  #poisoned = false;
  #failed = false;

  constructor(
    readonly disk: Disk,
    readonly life: Life,
    readonly image: LevelImage,
    readonly options: LevelOptions,
    readonly path: string,
  ) {
    this.#entries = new SortedEntries(image.tables.all);
    disk.events.opened(this.#entries);
    image.onRot = (entry) => this.#entries.replace(entry);
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.life.now(() => {
      this.#refuseClosed();
      const k = keyText(key);
      this.#refuseUnreadable(k);
      return this.#entries.get(k)?.value;
    });
  }

  async *scan(
    from: Uint8Array,
    to: Uint8Array,
    backwards = false,
  ): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    // What an iterator sees is what there was when it was made (doc/index.md, Snapshots); reading it takes its time.
    const range = this.#entries.range(keyText(from), keyText(to));
    await this.life.later(this.disk.syncNs() / 4, () => this.#refuseClosed());
    for (const { k, key, value } of backwards ? range.toReversed() : range) {
      if (this.life.dead) await this.life.now(() => undefined);
      this.#refuseClosed();
      this.#refuseUnreadable(k);
      yield [key, value];
    }
  }

  batch(operations: readonly LevelOperation[]): Promise<void> {
    const { disk, life } = this;
    if (life.dead) return life.now(() => undefined);
    if (this.#failed)
      disk.events.breach(`${this.path}: written to after a failed write, without being opened anew`);
    const copies = operations.map(copyOf);
    return this.#append(copies);
  }

  #append(operations: readonly LevelOperation[]): Promise<void> {
    const { disk, life, image } = this;
    disk.events.moment(life, 'append');
    const refusal = this.#refusal(bytesOf(operations));
    if (refusal) return life.later(1e6, () => this.#fail(refusal));
    if (life.dead) return life.now(() => undefined);
    const record = image.append(operations);
    disk.measure(this.path.slice(0, this.path.lastIndexOf('/')));
    disk.events.moment(life, 'sync');
    return life.later(disk.syncNs(), () => {
      if (this.#closed) disk.events.breach(`${this.path}: closed while a write was under way`);
      if (disk.syncFails()) {
        this.#poisoned = true;
        this.#fail('IO error: fdatasync: Input/output error');
      }
      record.synced = true;
      record.told = true;
      disk.events.moment(life, 'synced');
      disk.events.batch(operations, this.#entries);
      for (const operation of operations) this.#entries.apply(operation);
      if (image.logBytes > this.options.writeBufferBytes) this.#rotate();
      disk.trace.note('batch', `${operations.length} ${record.bytes}`);
    });
  }

  /** What makes an append fail; after it the writer's place in the log is wrong. */
  #refusal(bytes: number): string | undefined {
    if (this.#closed) return 'Database is not open';
    if (this.#poisoned) return 'IO error: an earlier write failed';
    try {
      this.disk.admit(this.path, bytes);
      return undefined;
    } catch (error) {
      this.image.shadow = true;
      return `IO error: ${(error as Error).message}`;
    }
  }

  #fail(text: string): never {
    this.#failed = true;
    throw levelError('LEVEL_IO_ERROR', text);
  }

  /** The write buffer is full: it becomes a table. */
  #rotate(): void {
    if (!this.disk.hasRoom(this.image.logBytes)) {
      this.#poisoned = true;
      return;
    }
    this.#flush();
    this.disk.measure(this.path.slice(0, this.path.lastIndexOf('/')));
  }

  #flush(): void {
    this.image.flush(
      this.#entries,
      this.image.log.filter(({ synced }) => !synced),
    );
  }

  compact(from: Uint8Array, to: Uint8Array): Promise<void> {
    return this.life.later(COMPACT_MS * 1e6, () => {
      this.#refuseClosed();
      const [low, high] = [keyText(from), keyText(to)];
      for (const range of this.image.unreadable) {
        if (range.from <= high && range.to >= low)
          throw levelError('LEVEL_CORRUPTION', 'Corruption: block checksum mismatch');
      }
      if (this.disk.readOnly || !this.disk.hasRoom(0))
        throw levelError('LEVEL_IO_ERROR', 'IO error: compaction');
      if (this.image.log.length > 0) this.#flush();
      this.image.compact(low, high);
      this.disk.trace.note('compact', this.image.bytes);
    });
  }

  close(): Promise<void> {
    return this.life.later(1e6, () => {
      this.#closed = true;
      this.image.isOpen = false;
    });
  }

  #refuseClosed(): void {
    if (this.#closed) throw notOpen();
  }

  #refuseUnreadable(k: string): void {
    if (this.image.unreadable.length > 0 && this.image.isUnreadable(k))
      throw levelError('LEVEL_CORRUPTION', 'Corruption: block checksum mismatch');
  }
}

/** LevelDB copies what it is given. */
function copyOf(operation: LevelOperation): LevelOperation {
  const key = operation.key.slice();
  return operation.type === 'put'
    ? { type: 'put', key, value: operation.value.slice() }
    : { type: 'del', key };
}
