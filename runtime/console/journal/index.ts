import { diskAt } from './disk.js';
import { Journal, type JournalPorts } from './journal.js';

export { diskAt, type JournalDisk } from './disk.js';
export type { Entry, Happening, Moment } from './entry.js';
export { type Head, Journal, type JournalPorts } from './journal.js';
export {
  type ProblemKind,
  readEntries,
  readTail as headOf,
  type Signed,
  type Verdict,
  verify,
} from './read.js';

/** The journal in that folder, whether or not it can be read just now; what an earlier session left unsigned is signed soon. */
export function open(folder: string, ports: JournalPorts): Journal {
  const journal = new Journal(diskAt(folder), ports);
  void journal.seal();
  return journal;
}
