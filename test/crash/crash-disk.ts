import { dirname } from 'node:path';
import { CrashFile, type Keeping } from './crash-file.js';
import type { Operation } from './operation-log.js';

/**
 * What makes a directory's entry durable. `journal` (ext4 with data=ordered; XFS, btrfs and f2fs keep no less): every sync that has
 * metadata to commit commits all changes of directories that were made before it began, and they reach the disk in their order.
 * `strict` (POSIX, to the letter): a sync of the directory itself, of nothing else; within a directory the order is kept.
 */
export type EntryModel = 'journal' | 'strict';

export interface CrashDiskOptions {
  readonly entries: EntryModel;
  /** The mistake that the check must find: syncs are taken for nothing. */
  readonly ignoresSyncs?: boolean;
  /** See CrashFile. */
  readonly losesOnError?: boolean;
}

/** How much a cut keeps of what was not synced. `mixed`: another choice for each file. */
export type Kept = Keeping | 'mixed';

type Entry = CrashFile | 'directory';
type Entries = Map<string, Entry>;

/** A change of a directory that is not yet durable. */
interface Change {
  readonly directory: string;
  readonly endBytes: number;
  apply(entries: Entries): void;
}

/** A directory as power cuts leave it: path to bytes, or to nothing for a directory. */
export type Image = ReadonlyMap<string, Uint8Array | undefined>;

/** Follows the operations on a folder, and says at each moment what a power cut may leave of it. */
export class CrashDisk {
  readonly #durable: Entries = new Map();
  /** As the running process sees them. */
  readonly #now: Entries = new Map();
  #changes: Change[] = [];
  readonly #files = new Map<number, CrashFile>();
  /** What the journal has committed, by its place in the log. */
  #committedBytes = 0;

  constructor(
    private readonly options: CrashDiskOptions,
    /** Directories that are there, durably. */
    directories: readonly string[],
  ) {
    for (const path of directories) {
      this.#durable.set(path, 'directory');
      this.#now.set(path, 'directory');
    }
  }

  pass(operation: Operation): void {
    const { path, inode, error, endBytes } = operation;
    if (operation.kind === 'sync') this.#sync(operation);
    else if (error !== 0) return;
    else if (operation.kind === 'write')
      this.#files.get(inode)?.write(operation.offset, operation.data, endBytes);
    else if (operation.kind === 'truncate') {
      if (operation.length !== 0)
        throw new Error(`${path}: truncated to ${operation.length}, not to nothing`);
      this.#files.get(inode)?.empty(endBytes);
    } else {
      const apply = this.#changeOf(operation);
      apply(this.#now);
      const directory = dirname(operation.kind === 'rename' ? operation.to : path);
      this.#changes.push({ directory, endBytes, apply });
    }
  }

  image(kept: Kept, random: () => number): Image {
    const entries: Entries = new Map(this.#durable);
    for (const change of this.#survivors(kept, random)) change.apply(entries);
    const image = new Map<string, Uint8Array | undefined>();
    for (const [path, entry] of entries) {
      if (!isReachable(entries, path)) continue;
      image.set(path, entry === 'directory' ? undefined : entry.image(keepingOf(kept, random), random));
    }
    return image;
  }

  /** Changes of directories that a cut keeps: the first so many, of each directory in the strict model. */
  #survivors(kept: Kept, random: () => number): readonly Change[] {
    if (kept === 'nothing') return [];
    if (kept !== 'mixed') return this.#changes;
    if (this.options.entries === 'journal')
      return this.#changes.slice(0, Math.floor(random() * (this.#changes.length + 1)));
    const left = new Map<string, number>();
    return this.#changes.filter(({ directory }) => {
      const its = this.#changes.filter((other) => other.directory === directory).length;
      const room = left.get(directory) ?? Math.floor(random() * (its + 1));
      left.set(directory, room - 1);
      return room > 0;
    });
  }

  /** What an operation does to directories. */
  #changeOf(operation: Operation): Change['apply'] {
    const { kind, path, inode, endBytes } = operation;
    if (kind === 'rename') return (entries) => move(entries, path, operation.to);
    if (kind === 'unlink' || kind === 'rmdir') return (entries) => void entries.delete(path);
    if (kind === 'mkdir') return (entries) => void entries.set(path, 'directory');
    const file = new CrashFile(endBytes, this.options.losesOnError ?? false);
    this.#files.set(inode, file);
    return (entries) => void entries.set(path, file);
  }

  #sync(operation: Extract<Operation, { kind: 'sync' }>): void {
    const { path, inode, error, beganBytes } = operation;
    if (this.options.ignoresSyncs) return;
    const file = this.#now.get(path) === 'directory' || path === '' ? undefined : this.#files.get(inode);
    if (error !== 0) {
      file?.syncFailed();
      return;
    }
    file?.sync(beganBytes);
    if (this.options.entries === 'strict') {
      if (!file) this.#commit(beganBytes, path === '' ? '.' : path);
    } else if (!file || file.changedBytes > this.#committedBytes) this.#commit(beganBytes);
  }

  /** Of one directory or of all. */
  #commit(beganBytes: number, directory?: string): void {
    const isCovered = (change: Change): boolean =>
      change.endBytes <= beganBytes && (directory === undefined || change.directory === directory);
    for (const change of this.#changes) if (isCovered(change)) change.apply(this.#durable);
    this.#changes = this.#changes.filter((change) => !isCovered(change));
    this.#committedBytes = Math.max(this.#committedBytes, beganBytes);
  }
}

function keepingOf(kept: Kept, random: () => number): Keeping {
  if (kept !== 'mixed') return kept;
  return (['nothing', 'all', 'torn', 'pages', 'sectors'] as const)[Math.floor(random() * 5)]!;
}

/** A file or a directory with all below it; nothing where it isn't there. */
function move(entries: Entries, from: string, to: string): void {
  const moved = [...entries].filter(([path]) => path === from || path.startsWith(`${from}/`));
  for (const [path, entry] of moved) {
    entries.delete(path);
    entries.set(to + path.slice(from.length), entry);
  }
}

/** In the strict model a file's entry may be durable in a directory whose own is not. */
function isReachable(entries: Entries, path: string): boolean {
  for (let at = dirname(path); at !== '.'; at = dirname(at))
    if (entries.get(at) !== 'directory') return false;
  return true;
}
