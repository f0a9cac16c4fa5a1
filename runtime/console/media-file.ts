import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../identity.js';
import { CommandError, EXIT } from './command.js';

/** So much is gathered before it is written: a stick takes whole pages best. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A file on mounted media: there under its name once it is whole and synced, and until then as `FILE.part`. Every method rejects with a CommandError that names
 * file and cause, and by then nothing of it is left.
 */
export class MediaFile {
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #bytes = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** A file of that name that is there already is left alone, and that is an error. */
  static async create(path: string): Promise<MediaFile> {
    if (existsSync(path)) throw new CommandError(EXIT.usage, `${path} is there already; name another file`);
    try {
      return new MediaFile(path, await open(partOf(path), 'w', 0o640));
    } catch (error) {
      throw refusal(path, error);
    }
  }

  /** Written so far, with what is on its way. */
  get bytes(): number {
    return this.#bytes;
  }

  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#chunks.push(bytes);
    this.#waiting += bytes.length;
    this.#bytes += bytes.length;
    if (this.#waiting >= CHUNK_BYTES) await this.#orAbandon(() => this.#flush());
  }

  /** On the disk, under its name, when it resolves. */
  async finish(): Promise<void> {
    await this.#orAbandon(async () => {
      await this.#flush();
      await this.handle.sync();
      await this.handle.close();
      await rename(partOf(this.path), this.path);
      syncFolder(dirname(this.path));
    });
  }

  /** Nothing of it is left. */
  async abandon(): Promise<void> {
    // What a stick that was pulled can't close or remove is gone with it.
    await this.handle.close().catch(() => undefined);
    await rm(partOf(this.path), { force: true }).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#waiting = 0;
    for (let at = 0; at < bytes.length; ) at += (await this.handle.write(bytes, at)).bytesWritten;
  }

  async #orAbandon(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.abandon();
      throw refusal(this.path, error);
    }
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no room is left there; free some, or export less with --since or --stream',
  ENOENT: 'no such folder; is the stick mounted there?',
  EROFS: 'it is read-only; mount it with: mount -o remount,rw',
  EIO: 'it does not answer; was the stick pulled? Plug it in and begin again',
  EACCES: 'you may not write there; mount it for your user, or name another folder',
};

function refusal(path: string, error: unknown): CommandError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new CommandError(EXIT.failed, `${path} was not written: ${REASONS[code] ?? message}`);
}
