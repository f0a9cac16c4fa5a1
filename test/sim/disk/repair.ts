import type { Life } from '../machine/life.js';
import type { Disk } from './disk.js';
import { levelError } from './error.js';
import { SortedEntries } from './sorted.js';

const REPAIR_MS = 800;

/** The store's repair (StoreDeps.repairLevel): a new database of all that can be read of another. */
export function repairLevel(disk: Disk, life: Life, from: string, to: string): Promise<void> {
  disk.events.moment(life, 'files');
  return life.later(REPAIR_MS * 1e6, () => {
    const found = disk.databases.get(from);
    if (!found) throw levelError('LEVEL_IO_ERROR', `${from}: not there`);
    const image = found.copy();
    image.tables = new SortedEntries(image.tables.all.filter(({ k }) => !image.isUnreadable(k)));
    image.unreadable = [];
    image.flush(image.recovered());
    image.current = 'there';
    image.manifest = 'there';
    disk.admit(to, image.bytes);
    disk.databases.set(to, image);
    disk.nameChanged(() => disk.databases.delete(to));
    disk.trace.note('repair', from);
  });
}
