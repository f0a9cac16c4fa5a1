import type { Life } from '../machine/life.js';
import type { Disk } from './disk.js';
import { levelError } from './error.js';
import { LevelImage } from './image.js';
import { SortedEntries } from './sorted.js';

const REPAIR_MS = 800;

/** A new database of all that is whole in another: tables by the CRCs of their blocks, the log as far as it can be read. */
export function repairLevel(disk: Disk, life: Life, from: string, to: string): Promise<void> {
  disk.events.moment(life, 'files');
  return life.later(REPAIR_MS * 1e6, () => {
    const image = disk.databases.get(from);
    if (!image) throw levelError('LEVEL_IO_ERROR', `${from}: not there`);
    disk.admit(to, image.bytes);
    const made = new LevelImage();
    const whole = image.tables.all.filter(({ k }) => !image.isUnreadable(k) && !image.rotten.has(k));
    made.flush(new SortedEntries(whole));
    // What the log held is told where this database takes the other's place, and not before.
    for (const { operations, told } of image.log.filter(({ shadowed }) => !shadowed))
      Object.assign(made.append(operations), { synced: true, told });
    disk.databases.set(to, made);
    disk.nameChanged(() => disk.databases.delete(to));
    disk.trace.note('repair', `${from} ${to}`);
  });
}

/** Each block of a table has a CRC, and nobody looks at it while LevelDB reads. */
export function checkTables(
  disk: Disk,
  life: Life,
  path: string,
): Promise<{ readonly damage?: string; readonly isComplete: boolean }> {
  return life.later(1e6, () => {
    const image = disk.databases.get(path);
    const isDamaged = image !== undefined && (image.unreadable.length > 0 || image.rotten.size > 0);
    return isDamaged ? { damage: '000007.ldb: a block is damaged', isComplete: true } : { isComplete: true };
  });
}
