import type { SystemFiles, SystemTwin, World } from '../../drivers/contract/index.js';
import { absent, checkReadBytes, checkSystemPath, DEFAULT_READ_BYTES, MAX_NAMES } from './system-paths.js';

/** A simulated sysfs and proc, under the same bounds as the real one. */
export function twinSystemFiles(twin: SystemTwin, world: () => World): SystemFiles {
  return {
    async read(path, maxBytes = DEFAULT_READ_BYTES) {
      const bound = checkReadBytes(path, maxBytes);
      const text = twin.read(checkSystemPath(path), world());
      if (text === undefined) throw absent(path);
      return Buffer.from(text, 'utf8').subarray(0, bound).toString('utf8');
    },
    async list(path) {
      const names = twin.list(checkSystemPath(path), world());
      if (names === undefined) throw absent(path);
      return [...names].sort().slice(0, MAX_NAMES);
    },
    async space(path) {
      const space = twin.space(path, world());
      if (space === undefined) throw absent(path);
      return space;
    },
  };
}
