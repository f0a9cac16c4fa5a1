import type { LogClass } from '../../wire/index.js';
import { reasonOf } from './error.js';
import { AFTER_ALL, commitOf, valueKey } from './keys.js';
import type { LevelDb } from './options.js';

/**
 * The values of a class from commit `from` on, oldest first. Where LevelDB can't read a table it goes on behind, in doubling steps:
 * `onUnreadable` is told, and a broken table is not the end. Rejects when the database is closed under it.
 */
export async function* scanValues(
  db: LevelDb,
  name: LogClass,
  from: number,
  onUnreadable: (what: string) => void,
): AsyncGenerator<readonly [commit: number, value: Uint8Array]> {
  let next = from;
  for (let step = 1; next + step < AFTER_ALL; step *= 2) {
    try {
      for await (const [key, value] of db.scan(valueKey(name, next), valueKey(name, AFTER_ALL))) {
        const commit = commitOf(key);
        if (commit === undefined) continue;
        next = commit + 1;
        step = 1;
        yield [commit, value];
      }
      return;
    } catch (error) {
      if (codeOf(error) !== 'LEVEL_CORRUPTION') throw error;
      onUnreadable(`${name} from commit ${next}: ${reasonOf(error)}`);
      next += step;
    }
  }
}

/** The same from commit `from` down to `floor`, newest first. */
export async function* scanValuesDown(
  db: LevelDb,
  name: LogClass,
  floor: number,
  from: number,
  onUnreadable: (what: string) => void,
): AsyncGenerator<readonly [commit: number, value: Uint8Array]> {
  let end = Math.min(from + 1, AFTER_ALL);
  for (let step = 1; end > floor; step *= 2) {
    try {
      for await (const [key, value] of db.scan(valueKey(name, floor), valueKey(name, end), true)) {
        const commit = commitOf(key);
        if (commit === undefined) continue;
        end = commit;
        step = 1;
        yield [commit, value];
      }
      return;
    } catch (error) {
      if (codeOf(error) !== 'LEVEL_CORRUPTION') throw error;
      onUnreadable(`${name} before commit ${end}: ${reasonOf(error)}`);
      end -= step;
    }
  }
}

/** What LevelDB 1.20 says of a read past the end of a table that was cut short: no disk refuses so (PosixMmapReadableFile in env_posix.cc). */
const PAST_THE_END = /\.ldb: Invalid argument$/;

/** LevelDB's own code, which abstract-level may wrap. */
export function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (PAST_THE_END.test(at.message)) return 'LEVEL_CORRUPTION';
    if ('code' in at && typeof at.code === 'string' && at.code !== 'LEVEL_DATABASE_NOT_OPEN') return at.code;
  }
  return undefined;
}
