import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replayed } from './crash-point.js';
import { DiskImage } from './disk-image.js';
import type { Witness } from './witness.js';
import { readWriteLog, type WriteLog } from './write-log.js';

/** A run of a node on a disk whose writes were logged: all that cuts are made of. Files of one folder. */
export interface Recording {
  readonly folder: string;
  /** The store's folder in the data file system. */
  readonly storePath: string;
  readonly sizeBytes: number;
  readonly node: string;
  readonly machineId: string;
  readonly said: readonly Witness[];
}

/** The disk before the run, the disk after it, the log of what lies between. */
export const recordingFiles = (folder: string) => ({
  before: join(folder, 'before.img'),
  live: join(folder, 'live.img'),
  log: join(folder, 'writes.log'),
  about: join(folder, 'recording.json'),
});

export function saveRecording(recording: Recording): void {
  writeFileSync(recordingFiles(recording.folder).about, JSON.stringify(recording));
}

export function loadRecording(folder: string): Recording {
  return { ...(JSON.parse(readFileSync(recordingFiles(folder).about, 'utf8')) as Recording), folder };
}

export interface Loaded {
  readonly base: DiskImage;
  readonly log: WriteLog;
}

export function loadDisks({ folder }: Pick<Recording, 'folder'>): Loaded {
  const files = recordingFiles(folder);
  return { base: DiskImage.read(files.before), log: readWriteLog(files.log) };
}

/**
 * What QEMU had under way when it was killed: it writes to the disk first and to the log then, and tells the guest last. So a live disk may hold
 * writes that nobody was promised, and no log knows. 1 MiB.
 */
export const UNDER_WAY_SECTORS = 2048;

/** Error where a replay of the whole log isn't the live disk, but for so many sectors: then no cut of it could be believed. */
export function checkReplay(
  { folder }: Pick<Recording, 'folder'>,
  { base, log }: Loaded,
  underWaySectors = 0,
): void {
  const live = DiskImage.read(recordingFiles(folder).live);
  const differing = replayed(base, log.entries).differences(live);
  if (differing.length > underWaySectors)
    throw new Error(
      `${folder}: the replay of ${log.entries.length} writes differs from the live disk in ${differing.length} sectors, ${differing[0]} first`,
    );
}
