import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { SECTOR_BYTES } from './write-log.js';

/** A chunk is kept where it has a byte that isn't zero; 64 KiB. */
const CHUNK_SECTORS = 128;
const CHUNK_BYTES = CHUNK_SECTORS * SECTOR_BYTES;

/** A disk's content in memory, as the few parts of it that were ever written. */
export class DiskImage {
  readonly #chunks = new Map<number, Buffer>();

  constructor(readonly bytes: number) {
    if (bytes % SECTOR_BYTES !== 0) throw new Error(`a disk of ${bytes} bytes isn't whole sectors`);
  }

  static read(path: string): DiskImage {
    const file = openSync(path, 'r');
    try {
      const image = new DiskImage(fstatSync(file).size);
      const chunk = Buffer.alloc(CHUNK_BYTES);
      for (let at = 0; at < image.bytes; at += CHUNK_BYTES) {
        const got = readSync(file, chunk, 0, CHUNK_BYTES, at);
        const isEmpty = chunk.subarray(0, got).equals(ZEROS.subarray(0, got));
        if (!isEmpty) image.write(at / SECTOR_BYTES, chunk.subarray(0, got));
      }
      return image;
    } finally {
      closeSync(file);
    }
  }

  copy(): DiskImage {
    const copy = new DiskImage(this.bytes);
    for (const [at, chunk] of this.#chunks) copy.#chunks.set(at, Buffer.from(chunk));
    return copy;
  }

  /** Whole sectors, from `sector` on. */
  write(sector: number, data: Uint8Array): void {
    if (sector * SECTOR_BYTES + data.length > this.bytes)
      throw new Error(`sector ${sector}: past the disk's end`);
    for (let done = 0; done < data.length; ) {
      const at = sector * SECTOR_BYTES + done;
      const within = at % CHUNK_BYTES;
      const length = Math.min(CHUNK_BYTES - within, data.length - done);
      this.#chunk((at - within) / CHUNK_BYTES).set(data.subarray(done, done + length), within);
      done += length;
    }
  }

  /** Makes the file what this is; where nothing was written it has no blocks. */
  save(path: string): void {
    const file = openSync(path, 'w');
    try {
      ftruncateSync(file, this.bytes);
      for (const [index, chunk] of this.#chunks) {
        const at = index * CHUNK_BYTES;
        writeSync(file, chunk, 0, Math.min(CHUNK_BYTES, this.bytes - at), at);
      }
    } finally {
      closeSync(file);
    }
  }

  /** The sectors that differ, in their order. */
  differences(other: DiskImage): readonly number[] {
    if (this.bytes !== other.bytes) throw new Error(`disks of ${this.bytes} and ${other.bytes} bytes`);
    const indexes = [...new Set([...this.#chunks.keys(), ...other.#chunks.keys()])].sort((a, b) => a - b);
    return indexes.flatMap((index) => {
      const [mine, its] = [this.#chunks.get(index) ?? ZEROS, other.#chunks.get(index) ?? ZEROS];
      return mine.equals(its) ? [] : differingSectors(mine, its).map((at) => index * CHUNK_SECTORS + at);
    });
  }

  #chunk(index: number): Buffer {
    const known = this.#chunks.get(index);
    if (known) return known;
    const made = Buffer.alloc(CHUNK_BYTES);
    this.#chunks.set(index, made);
    return made;
  }
}

const ZEROS = Buffer.alloc(CHUNK_BYTES);

function differingSectors(a: Buffer, b: Buffer): readonly number[] {
  const sector = (bytes: Buffer, at: number) => bytes.subarray(at * SECTOR_BYTES, (at + 1) * SECTOR_BYTES);
  return Array.from({ length: CHUNK_SECTORS }, (_, at) => at).filter(
    (at) => !sector(a, at).equals(sector(b, at)),
  );
}
