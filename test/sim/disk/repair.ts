import type { Life } from '../machine/life.js';
import type { Disk } from './disk.js';
import { levelError } from './error.js';

const REPAIR_MS = 800;

/** LevelDB's repair: makes CURRENT and MANIFEST anew from tables and log; a table that it can't read aborts the process (FINDINGS.md). */
export function repairLevel(disk: Disk, life: Life, path: string): Promise<void> {
  disk.events.moment(life, 'files');
  return life.later(REPAIR_MS * 1e6, () => {
    const image = disk.databases.get(path);
    if (!image) throw levelError('LEVEL_IO_ERROR', `${path}: not there`);
    disk.admit(path, 4096);
    if (image.unreadable.length > 0)
      throw levelError('LEVEL_CORRUPTION', 'the process was aborted (SIGABRT)');
    if (image.log.length > 0) image.flush(image.recovered());
    image.current = 'there';
    image.manifest = 'there';
    image.manifestNumber += 1;
    disk.trace.note('repair', path);
  });
}
