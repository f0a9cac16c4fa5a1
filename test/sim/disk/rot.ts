import type { LevelOperation } from '../../../runtime/store/index.js';
import type { Random } from '../kernel/random.js';
import type { RotKind } from '../scenario.js';
import type { Disk } from './disk.js';
import { type LevelImage, LOG_BLOCK_BYTES } from './image.js';
import { type Entry, keyText, type SortedEntries } from './sorted.js';

/** Damages the medium under the store; tells of every entry of the database that is not what it was. False: there was nothing to damage. */
export function rot(
  disk: Disk,
  storePath: string,
  kind: RotKind,
  random: Random,
  destroyed: (entry: Entry) => void,
): boolean {
  if (kind === 'reserveSlot' || kind === 'reserveLost')
    return rotReserve(disk, `${storePath}/reserve`, kind, random);
  const image = disk.databases.get(`${storePath}/level`);
  if (!image) return false;
  if (kind === 'valueBit' || kind === 'recordBit') return rotEntry(image, kind, random, destroyed);
  if (kind === 'tableRange') return rotTable(image, random, destroyed);
  if (kind === 'currentMissing') image.current = 'missing';
  else if (kind === 'manifestMissing') image.manifest = 'missing';
  else if (kind === 'manifestEmpty') image.manifest = 'empty';
  else return rotLog(image, kind, random, destroyed);
  return true;
}

function rotReserve(disk: Disk, path: string, kind: RotKind, random: Random): boolean {
  const file = disk.files.get(path);
  if (!file) return false;
  const bytes = file.bytes.slice();
  const half = bytes.length / 2;
  if (kind === 'reserveLost') bytes.fill(0xa5);
  else bytes[random.int(0, 1) * half + random.int(0, 40)]! ^= 1 << random.int(0, 7);
  file.bytes = bytes;
  file.durable = bytes;
  return true;
}

/** A bit of a value in a table: LevelDB gives it out as it is. */
function rotEntry(
  image: LevelImage,
  kind: RotKind,
  random: Random,
  destroyed: (entry: Entry) => void,
): boolean {
  const isValue = (entry: Entry): boolean => entry.k.startsWith('V');
  const all = image.tables.all.filter((entry) => isValue(entry) === (kind === 'valueBit'));
  if (all.length === 0) return false;
  const entry = random.pick(all);
  const value = entry.value.slice();
  value[random.int(0, value.length - 1)]! ^= 1 << random.int(0, 7);
  destroyed(entry);
  image.rotten.add(entry.k);
  image.tables.replace({ ...entry, value });
  image.onRot?.({ ...entry, value });
  return true;
}

/** Some neighbouring keys lie in a table block that can't be read. */
function rotTable(image: LevelImage, random: Random, destroyed: (entry: Entry) => void): boolean {
  const values = image.tables.all.filter(({ k }) => k.startsWith('V'));
  if (values.length === 0) return false;
  const at = random.int(0, values.length - 1);
  const last = Math.min(values.length - 1, at + random.int(0, 4));
  const lost = values.slice(at, last + 1);
  for (const entry of lost) destroyed(entry);
  const keys = new Set(lost.map(({ k }) => k));
  image.unreadable.push({ from: values[at]!.k, to: `${values[last]!.k}\0`, keys });
  return true;
}

function rotLog(
  image: LevelImage,
  kind: RotKind,
  random: Random,
  destroyed: (entry: Entry) => void,
): boolean {
  if (image.log.length === 0) return false;
  const [before, records] = [image.recovered(), image.log];
  image.log = keptOf(image, kind, random);
  compare(before, image.recovered(), destroyed);
  // What was written and deleted again before is forgotten, too: that it had been there.
  for (const record of records.filter((one) => !image.log.includes(one)))
    for (const operation of record.operations) forget(operation, destroyed);
  return true;
}

function forget(operation: LevelOperation, destroyed: (entry: Entry) => void): void {
  if (operation.type === 'put') destroyed({ k: keyText(operation.key), ...operation });
}

/** What a reader of the damaged log still finds. */
function keptOf(image: LevelImage, kind: RotKind, random: Random): LevelImage['log'] {
  if (kind === 'logLost') return [];
  if (kind === 'logTail') return image.log.slice(0, -random.int(1, Math.min(5, image.log.length)));
  const hit = random.pick(image.log);
  const blockEnd = (Math.floor(hit.offset / LOG_BLOCK_BYTES) + 1) * LOG_BLOCK_BYTES;
  return image.log.filter(({ offset }) => offset < hit.offset || offset >= blockEnd);
}

function compare(before: SortedEntries, after: SortedEntries, destroyed: (entry: Entry) => void): void {
  for (const entry of before.all) if (after.get(entry.k)?.value !== entry.value) destroyed(entry);
}
