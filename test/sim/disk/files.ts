import type { PlainFile, StoreFiles } from '../../../runtime/store/index.js';
import type { Life } from '../machine/life.js';
import { type Disk, pages, type SimFile } from './disk.js';
import { ContractError, fsError } from './error.js';

const BALLAST_BYTES = 64 * 1024;

/** The file system as one process sees it. Nothing takes time but syncs. */
export function filesOf(disk: Disk, life: Life): StoreFiles {
  const tree = new Tree(disk);
  const slow = <T>(value: () => T): Promise<T> => life.later(disk.syncNs(), value);
  return {
    makeDirectory: () => life.now(() => disk.admit('', 0)),
    list: (path) => life.now(() => tree.list(path)),
    read: (path) => life.now(() => tree.read(path)),
    write: (path, bytes) => {
      disk.events.moment(life, 'files');
      return slow(() => tree.write(path, bytes));
    },
    open: (path) => life.now(() => openFile(disk, life, path)),
    rename: (from, to) => {
      disk.events.moment(life, 'files');
      return life.now(() => tree.rename(from, to));
    },
    remove: (path) => {
      disk.events.moment(life, 'files');
      return life.now(() => tree.remove(path));
    },
    copy: (from, to) => life.now(() => tree.copy(from, to)),
    sync: (path) => {
      disk.events.moment(life, 'files');
      return slow(() => tree.sync(path));
    },
    sizeBytes: (path) => life.now(() => disk.sizeBytes(path)),
    freeBytes: () => life.now(() => Math.max(0, disk.capacityBytes - disk.usedBytes)),
  };
}

function openFile(disk: Disk, life: Life, path: string): PlainFile {
  const file = disk.files.get(path);
  if (!file) throw fsError('ENOENT', path);
  let closed = false;
  const refuseClosed = (): void => {
    if (closed) throw new ContractError(`${path}: used after it was closed`);
  };
  return {
    write: (bytes, position) =>
      life.now(() => {
        refuseClosed();
        disk.admit(path, 0);
        writeAt(file, bytes, position);
        disk.events.moment(life, 'reserve');
      }),
    datasync: () => {
      refuseClosed();
      return life.later(disk.syncNs(), () => {
        if (disk.syncFails()) throw fsError('EIO', path);
        file.durable = file.bytes;
        disk.events.moment(life, 'reserve');
      });
    },
    close: () =>
      life.now(() => {
        closed = true;
      }),
  };
}

function writeAt(file: SimFile, bytes: Uint8Array, position: number): void {
  const grown = new Uint8Array(Math.max(file.bytes.length, position + bytes.length));
  grown.set(file.bytes);
  grown.set(bytes, position);
  file.bytes = grown;
}

class Tree {
  constructor(readonly disk: Disk) {}

  list(path: string): readonly string[] {
    const image = this.disk.databases.get(path);
    if (image) return image.names();
    const names = new Set<string>();
    for (const name of [...this.disk.files.keys(), ...this.disk.databases.keys()]) {
      if (name.startsWith(`${path}/`)) names.add(name.slice(path.length + 1).split('/')[0]!);
    }
    return [...names].sort();
  }

  read(path: string): Uint8Array | undefined {
    const at = path.lastIndexOf('/');
    const image = this.disk.databases.get(path.slice(0, at));
    if (image) return image.read(path.slice(at + 1));
    return this.disk.files.get(path)?.bytes.slice();
  }

  write(path: string, bytes: Uint8Array): void {
    const { files } = this.disk;
    const before = files.get(path);
    this.disk.admit(path, Math.max(0, pages(bytes.length) - pages(before?.bytes.length ?? 0)));
    if (this.disk.syncFails()) throw fsError('EIO', path);
    // What is so large is ballast: nobody writes to it.
    const copy = bytes.length > BALLAST_BYTES ? bytes : bytes.slice();
    files.set(path, { bytes: copy, durable: copy });
    this.disk.namesAreDurable();
  }

  rename(from: string, to: string): void {
    this.disk.admit(from, 0);
    const image = this.disk.databases.get(from);
    const file = this.disk.files.get(from);
    if (!image && !file) throw fsError('ENOENT', from);
    if (image?.isOpen) throw new ContractError(`${from}: renamed while it is open`);
    const overwritten = this.disk.files.get(to);
    this.#move(from, to);
    this.disk.nameChanged(() => {
      this.#move(to, from);
      if (overwritten) this.disk.files.set(to, overwritten);
    });
  }

  #move(from: string, to: string): void {
    const { databases, files } = this.disk;
    const image = databases.get(from);
    const file = files.get(from);
    if (image) {
      databases.delete(from);
      databases.set(to, image);
    }
    if (file) {
      files.delete(from);
      files.set(to, file);
    }
  }

  remove(path: string): void {
    this.disk.admit(path, 0);
    const { databases, files } = this.disk;
    for (const map of [databases, files] as const) {
      for (const [name, one] of [...map]) {
        if (name !== path && !name.startsWith(`${path}/`)) continue;
        if ('isOpen' in one && one.isOpen) throw new ContractError(`${name}: removed while it is open`);
        map.delete(name);
        this.disk.nameChanged(() => (map as Map<string, unknown>).set(name, one));
      }
    }
  }

  copy(from: string, to: string): void {
    const image = this.disk.databases.get(from);
    if (!image) throw fsError('ENOENT', from);
    this.disk.admit(to, image.bytes);
    this.disk.databases.set(to, image.copy());
    this.disk.nameChanged(() => this.disk.databases.delete(to));
  }

  /** A database's file and directory are durable once each has been synced since it was made. */
  sync(path: string): void {
    if (this.disk.syncFails()) throw fsError('EIO', path);
    this.disk.namesAreDurable();
    const file = this.disk.files.get(path);
    if (file) file.durable = file.bytes;
    const at = path.lastIndexOf('/');
    const parent = this.disk.databases.get(path.slice(0, at));
    if (parent) parent.syncedNames.add(path.slice(at + 1));
    const image = this.disk.databases.get(path);
    if (image?.names().every((name) => name === 'LOCK' || name === 'LOG' || image.syncedNames.has(name)))
      image.durable = true;
  }
}
