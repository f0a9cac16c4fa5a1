import { basename, dirname, join } from 'node:path';
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

type Entry = CrashFile | Directory;
type Names = Map<string, Entry>;

/** By identity, not by path: it may be renamed while changes within it wait. */
class Directory {
  readonly durable: Names = new Map();
  /** As the running process sees it. */
  readonly now: Names = new Map();
}

/** Which of a directory's states a change is made in. */
type View = (directory: Directory) => Names;
const DURABLE: View = ({ durable }) => durable;
const NOW: View = ({ now }) => now;

/** A change of a directory that is not yet durable. */
interface Change {
  readonly directory: Directory;
  readonly endBytes: number;
  apply(view: View): void;
}

/** A directory as power cuts leave it: path to bytes, or to nothing for a directory. */
export type Image = ReadonlyMap<string, Uint8Array | undefined>;

/** Follows the operations on a folder, and says at each moment what a power cut may leave of it. */
export class CrashDisk {
  readonly #root = new Directory();
  #changes: Change[] = [];
  readonly #files = new Map<number, CrashFile>();
  /** What the journal has committed, by its place in the log. */
  #committedBytes = 0;

  constructor(
    private readonly options: CrashDiskOptions,
    /** Directories that are there, durably. */
    directories: readonly string[],
  ) {
    for (const name of directories) {
      const directory = new Directory();
      for (const view of [DURABLE, NOW]) view(this.#root).set(name, directory);
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
      const directory = this.#directoryOf(operation.kind === 'rename' ? operation.to : path);
      const apply = this.#changeOf(operation, directory);
      apply(NOW);
      this.#changes.push({ directory, endBytes, apply });
    }
  }

  image(kept: Kept, random: () => number): Image {
    const after = new Map<Directory, Names>();
    const view: View = (directory) => {
      const names = after.get(directory) ?? new Map(directory.durable);
      after.set(directory, names);
      return names;
    };
    for (const change of this.#survivors(kept, random)) change.apply(view);
    const image = new Map<string, Uint8Array | undefined>();
    const walk = (directory: Directory, path: string): void => {
      for (const [name, entry] of view(directory)) {
        const at = join(path, name);
        image.set(at, entry instanceof Directory ? undefined : entry.image(keepingOf(kept, random), random));
        if (entry instanceof Directory) walk(entry, at);
      }
    };
    walk(this.#root, '');
    return image;
  }

  /** Changes of directories that a cut keeps: the first so many, of each directory in the strict model. */
  #survivors(kept: Kept, random: () => number): readonly Change[] {
    if (kept === 'nothing') return [];
    if (kept !== 'mixed') return this.#changes;
    if (this.options.entries === 'journal')
      return this.#changes.slice(0, Math.floor(random() * (this.#changes.length + 1)));
    const left = new Map<Directory, number>();
    return this.#changes.filter(({ directory }) => {
      const its = this.#changes.filter((other) => other.directory === directory).length;
      const room = left.get(directory) ?? Math.floor(random() * (its + 1));
      left.set(directory, room - 1);
      return room > 0;
    });
  }

  /** What an operation does to directories. */
  #changeOf(operation: Operation, directory: Directory): Change['apply'] {
    const { kind, path, inode, endBytes } = operation;
    if (kind === 'rename')
      return rename(this.#directoryOf(path), basename(path), directory, basename(operation.to));
    const name = basename(path);
    if (kind === 'unlink' || kind === 'rmdir') return (view) => void view(directory).delete(name);
    const entry =
      kind === 'mkdir' ? new Directory() : new CrashFile(endBytes, this.options.losesOnError ?? false);
    if (entry instanceof CrashFile) this.#files.set(inode, entry);
    return (view) => void view(directory).set(name, entry);
  }

  #find(path: string): Entry | undefined {
    let at: Entry | undefined = this.#root;
    for (const name of path.split('/')) at = at instanceof Directory ? at.now.get(name) : undefined;
    return at;
  }

  #directoryOf(path: string): Directory {
    const parent = dirname(path) === '.' ? this.#root : this.#find(dirname(path));
    if (!(parent instanceof Directory)) throw new Error(`${path}: its directory is not there`);
    return parent;
  }

  #sync(operation: Extract<Operation, { kind: 'sync' }>): void {
    const { path, inode, error, beganBytes } = operation;
    if (this.options.ignoresSyncs) return;
    const entry = path === '' ? this.#root : this.#find(path);
    const file = entry instanceof Directory ? undefined : this.#files.get(inode);
    if (error !== 0) {
      file?.syncFailed();
      return;
    }
    file?.sync(beganBytes);
    if (this.options.entries === 'strict') {
      if (entry instanceof Directory) this.#commit(beganBytes, entry);
    } else if (!file || file.changedBytes > this.#committedBytes) this.#commit(beganBytes);
  }

  /** Of one directory or of all. */
  #commit(beganBytes: number, directory?: Directory): void {
    const isCovered = (change: Change): boolean =>
      change.endBytes <= beganBytes && (directory === undefined || change.directory === directory);
    for (const change of this.#changes) if (isCovered(change)) change.apply(DURABLE);
    this.#changes = this.#changes.filter((change) => !isCovered(change));
    this.#committedBytes = Math.max(this.#committedBytes, beganBytes);
  }
}

function keepingOf(kept: Kept, random: () => number): Keeping {
  if (kept !== 'mixed') return kept;
  return (['nothing', 'all', 'torn', 'pages', 'sectors'] as const)[Math.floor(random() * 5)]!;
}

function rename(from: Directory, name: string, to: Directory, newName: string): Change['apply'] {
  return (view) => {
    const entry = view(from).get(name);
    if (!entry) return;
    view(from).delete(name);
    view(to).set(newName, entry);
  };
}
