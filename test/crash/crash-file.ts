/** The unit in which a disk writes; a page of the cache is eight of them. */
export const SECTOR_BYTES = 512;
const PAGE_SECTORS = 8;

interface Write {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly endBytes: number;
}

/** What of the unsynced writes of a file a cut keeps. `torn`: in order, the last one up to a sector. */
export type Keeping = 'nothing' | 'all' | 'torn' | 'pages' | 'sectors';

/**
 * A file as the disk may have it: what was synced, and what was written since. The cache may have been written back at any time between,
 * so each sector (or page) may hold any of the states that it went through, and none of its neighbours' choices bind it.
 */
export class CrashFile {
  #synced: Uint8Array = new Uint8Array(0);
  #writes: Write[] = [];
  /** Where in the log its length or blocks last changed, or it was made: what a sync of its metadata has to commit. */
  changedBytes: number;

  constructor(
    createdBytes: number,
    /** After a failed sync Linux takes the pages for clean: a later sync doesn't write them. */
    private readonly losesOnError: boolean,
  ) {
    this.changedBytes = createdBytes;
  }

  /** Length as the running process sees it. */
  get length(): number {
    return this.#writes.reduce((end, write) => Math.max(end, endOf(write)), this.#synced.length);
  }

  write(offset: number, data: Uint8Array, endBytes: number): void {
    if (offset + data.length > this.length) this.changedBytes = endBytes;
    this.#writes.push({ offset, data, endBytes });
  }

  /** To nothing, as opening does it. Taken as durable at once or never seen: the writes behind it decide. */
  empty(endBytes: number): void {
    this.#synced = new Uint8Array(0);
    this.#writes = [];
    this.changedBytes = endBytes;
  }

  /** Succeeded: all that was written before it began is on the disk. */
  sync(beganBytes: number): void {
    const covered = this.#writes.filter(({ endBytes }) => endBytes <= beganBytes);
    this.#synced = applied(this.#synced, covered, this.length);
    this.#writes = this.#writes.filter(({ endBytes }) => endBytes > beganBytes);
  }

  syncFailed(): void {
    if (!this.losesOnError) return;
    this.#synced = applied(this.#synced, [], this.length);
    this.#writes = [];
  }

  /** Its bytes after a cut. `random`: in [0, 1). */
  image(keeping: Keeping, random: () => number): Uint8Array {
    if (keeping === 'nothing' || this.#writes.length === 0) return this.#extended(this.#synced, random);
    if (keeping === 'all') return applied(this.#synced, this.#writes, this.length);
    return this.#extended(keeping === 'torn' ? this.#torn(random) : this.#scattered(keeping, random), random);
  }

  /** The first so many writes, and of the next one the sectors before one. */
  #torn(random: () => number): Uint8Array {
    const at = Math.floor(random() * this.#writes.length);
    const last = this.#writes[at]!;
    const sectors = Math.floor(random() * (sectorAfter(endOf(last)) - sectorOf(last.offset)));
    const bytes = Math.max(0, (sectorOf(last.offset) + sectors) * SECTOR_BYTES - last.offset);
    const part = { ...last, data: last.data.subarray(0, bytes) };
    return applied(this.#synced, [...this.#writes.slice(0, at), part], 0);
  }

  /** Of each sector, or page, the first so many writes by chance. */
  #scattered(keeping: 'pages' | 'sectors', random: () => number): Uint8Array {
    const unit = keeping === 'pages' ? PAGE_SECTORS * SECTOR_BYTES : SECTOR_BYTES;
    const keep = random();
    const count = this.#writes.length;
    const first = Math.min(...this.#writes.map(({ offset }) => Math.floor(offset / unit)));
    const units = Math.ceil(this.length / unit) - first;
    const kept = Array.from({ length: units }, () => {
      if (random() < 0.5) return random() < keep ? count : 0;
      return Math.floor(random() * (count + 1));
    });
    const parts = this.#writes.flatMap((write, index) =>
      partsOf(write, unit).filter(({ offset }) => kept[Math.floor(offset / unit) - first]! > index),
    );
    return applied(this.#synced, parts, 0);
  }

  /** The length may have reached the disk before the bytes: then they are zeros. */
  #extended(bytes: Uint8Array, random: () => number): Uint8Array {
    const more = this.length - bytes.length;
    if (more === 0 || random() < 0.5) return bytes;
    const longer = new Uint8Array(bytes.length + (random() < 0.5 ? more : Math.ceil(random() * more)));
    longer.set(bytes);
    return longer;
  }
}

function endOf({ offset, data }: Pick<Write, 'offset' | 'data'>): number {
  return offset + data.length;
}

function sectorOf(offset: number): number {
  return Math.floor(offset / SECTOR_BYTES);
}

function sectorAfter(offset: number): number {
  return Math.ceil(offset / SECTOR_BYTES);
}

/** A write cut where units of so many bytes begin. */
function partsOf(write: Write, unit: number): readonly Write[] {
  const parts: Write[] = [];
  for (let from = write.offset; from < endOf(write); ) {
    const to = Math.min(endOf(write), (Math.floor(from / unit) + 1) * unit);
    parts.push({ ...write, offset: from, data: write.data.subarray(from - write.offset, to - write.offset) });
    from = to;
  }
  return parts;
}

function applied(base: Uint8Array, writes: readonly Write[], length: number): Uint8Array {
  const end = writes.reduce(
    (most, write) => Math.max(most, write.data.length > 0 ? endOf(write) : 0),
    Math.max(length, base.length),
  );
  const bytes = new Uint8Array(end);
  bytes.set(base);
  for (const { offset, data } of writes) bytes.set(data, offset);
  return bytes;
}
