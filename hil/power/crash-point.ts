import type { DiskImage } from './disk-image.js';
import { type LogEntry, SECTOR_BYTES } from './write-log.js';

/** Where the power goes, and what the disk's cache made of it. */
export interface Cut {
  readonly index: number;
  /** The first so many entries of the log had been answered. */
  readonly entries: number;
  /** Of each 512-byte sector that was written and not flushed: the probability that it reached the medium. */
  readonly keep: number;
}

export interface CutImage {
  readonly image: DiskImage;
  readonly unflushedSectors: number;
  readonly keptSectors: number;
}

/**
 * Disks as power cuts leave them, one after another, later ones last: base + all that was flushed + of the rest each sector by
 * chance, in the order of the writes.
 */
export class CrashPoints {
  /** All that was flushed; what was written since waits. */
  readonly #durable: DiskImage;
  #waiting: LogEntry[] = [];
  #at = 0;

  constructor(
    base: DiskImage,
    private readonly entries: readonly LogEntry[],
  ) {
    this.#durable = base.copy();
  }

  /** `random`: in [0, 1). Cuts must come in the order of their entries. */
  image(cut: Pick<Cut, 'entries' | 'keep'>, random: () => number): CutImage {
    if (cut.entries < this.#at) throw new Error('cuts must come in the order of the log');
    for (; this.#at < cut.entries; this.#at += 1) this.#pass(this.entries[this.#at]!);
    const image = this.#durable.copy();
    const unflushedSectors = this.#waiting.reduce((sum, { sectors }) => sum + sectors, 0);
    // Where some shall survive, one does at least.
    const sure = cut.keep > 0 ? Math.floor(random() * unflushedSectors) : -1;
    let keptSectors = 0;
    let at = 0;
    for (const { sector, sectors, data } of this.#waiting) {
      for (let i = 0; i < sectors; i += 1, at += 1) {
        if (random() >= cut.keep && at !== sure) continue;
        image.write(sector + i, data.subarray(i * SECTOR_BYTES, (i + 1) * SECTOR_BYTES));
        keptSectors += 1;
      }
    }
    return { image, unflushedSectors, keptSectors };
  }

  #pass(entry: LogEntry): void {
    if (entry.flush) {
      for (const { sector, data } of this.#waiting) this.#durable.write(sector, data);
      this.#waiting = [];
    }
    if (entry.kind !== 'write') return;
    // On the medium whatever becomes of an older write that waits, which must not come over it later.
    if (entry.fua) this.#writeThrough(entry);
    else this.#waiting.push(entry);
  }

  #writeThrough(entry: LogEntry): void {
    this.#durable.write(entry.sector, entry.data);
    const end = entry.sector + entry.sectors;
    this.#waiting = this.#waiting.flatMap((older) => outside(older, entry.sector, end));
  }
}

/** The parts of a write that lie outside [from, to). */
function outside(entry: LogEntry, from: number, to: number): readonly LogEntry[] {
  const end = entry.sector + entry.sectors;
  if (end <= from || entry.sector >= to) return [entry];
  const part = (first: number, past: number): readonly LogEntry[] =>
    first >= past
      ? []
      : [
          {
            ...entry,
            sector: first,
            sectors: past - first,
            data: entry.data.subarray(
              (first - entry.sector) * SECTOR_BYTES,
              (past - entry.sector) * SECTOR_BYTES,
            ),
          },
        ];
  return [...part(entry.sector, from), ...part(to, end)];
}

/** The disk with everything that was written: what the live image must be. */
export function replayed(base: DiskImage, entries: readonly LogEntry[]): DiskImage {
  return new CrashPoints(base, entries).image({ entries: entries.length, keep: 1 }, () => 0).image;
}
