import type { Epoch, LogClass } from '../../wire/index.js';
import { META_DESCRIPTOR, META_STREAM } from '../../wire/index.js';
import { type StreamId, streamName } from './keys.js';
import { type Head, type Identity, type LedgerGap, STORE_FORMAT, type StreamRecord } from './records.js';
import type { Reserve, ReserveEntry } from './reserve.js';

/** What was found on the disk; `undefined` where it is missing or damaged. */
export interface Found {
  readonly identity: Identity | undefined;
  readonly head: Head | undefined;
  /** Of all epochs and versions. */
  readonly records: readonly StreamRecord[];
  readonly reserve: Reserve | undefined;
}

export interface Starting {
  readonly node: string;
  readonly machineId: string;
  readonly bootId: string;
  /** For a new epoch. */
  readonly newEpoch: Epoch;
}

export interface StartStream {
  readonly record: StreamRecord;
  readonly next: number;
}

/** Where the store goes on. */
export interface Start {
  readonly identity: Identity;
  readonly isNewEpoch: boolean;
  readonly isNewBoot: boolean;
  /** Of all epochs, newest descriptor each; `next` counts for the current epoch only. */
  readonly streams: readonly StartStream[];
  readonly gaps: readonly (StreamId & LedgerGap)[];
  /** What people should know. */
  readonly warnings: readonly string[];
}

/** DESIGN.md §3, Sequences (4) to (6), as a function of what was found. */
export function recover(found: Found, starting: Starting): Start {
  const broken = whyNewEpoch(found, starting);
  return broken === undefined ? goOn(found, starting) : beginEpoch(found, starting, broken);
}

/** Why the highest number of each stream can't be proved; '' for a store that never was. */
function whyNewEpoch({ identity, head, records, reserve }: Found, starting: Starting): string | undefined {
  if (!identity && !head && !reserve?.generation) return '';
  if (!identity || !head) return 'the store has lost its head';
  if (identity.machineId !== starting.machineId) return 'the store is on another machine or card';
  if (!reserve) return 'the reserve is unreadable';
  const epoch = identity.epochs.at(-1);
  if (reserve.epoch !== epoch) return 'the reserve is of another epoch';
  // A write that was torn never came to use, and one that rotted may have: should the log's tail be gone too, nobody could tell.
  if (reserve.isInDoubt) return 'a slot of the reserve is damaged';
  const known = newestOf(records, identity.epochs.length - 1);
  const ids = new Set([...known, ...reserve.entries].map(({ id }) => id));
  if (head.next.some((_, id) => !ids.has(id))) return 'a stream has lost its record';
  for (const { name, id } of known) {
    const limit = reserve.entries.find((entry) => entry.stream === name)?.limit ?? 0;
    if ((head.next[id] ?? 0) > limit) return `stream ${name} is past its reserve`;
  }
  return undefined;
}

/** Numbering goes on at the limits; what lies between is a gap, unless the last stop was clean and nothing is missing. */
function goOn(found: Found, starting: Starting): Start {
  const identity = found.identity!;
  const epoch = identity.epochs.length - 1;
  const known = newestOf(found.records, epoch);
  const streams: StartStream[] = newestOf(found.records).map((record) => ({ record, next: 0 }));
  const gaps: (StreamId & LedgerGap)[] = [];
  const current = [...known, ...unknownOf(found.reserve!.entries, known, epoch)];
  for (const record of current) {
    const next = found.head!.next[record.id] ?? 0;
    const limit = found.reserve!.entries.find((entry) => entry.stream === record.name)?.limit ?? 0;
    streams.push({ record, next: limit });
    if (limit > next) gaps.push(uncleanGap(record, next, limit));
  }
  const isNewBoot = identity.bootId !== starting.bootId;
  const warnings =
    found.reserve!.clean && gaps.length > 0 ? ['rows of a clean stop are gone: gaps say which'] : [];
  return {
    identity: bootOf(identity, starting),
    isNewEpoch: false,
    isNewBoot,
    streams: unique(streams),
    gaps,
    warnings,
  };
}

function uncleanGap({ epoch, id }: StreamId, next: number, limit: number): StreamId & LedgerGap {
  return { epoch, id, first: next, last: limit - 1, cause: 'uncleanStop', atMost: true };
}

/** A new epoch; each one before that can't be carried on ends in open gaps. */
function beginEpoch(found: Found, starting: Starting, why: string): Start {
  const epochs = [...(found.identity?.epochs ?? [])];
  const records = [...found.records];
  const gaps: (StreamId & LedgerGap)[] = [];
  if (epochs.length > 0) gaps.push(...endings(newestOf(records, epochs.length - 1), found.head));
  if (found.reserve?.generation) {
    if (!epochs.includes(found.reserve.epoch)) epochs.push(found.reserve.epoch);
    const index = epochs.indexOf(found.reserve.epoch);
    const lost = unknownOf(found.reserve.entries, newestOf(records, index), index);
    records.push(...lost);
    gaps.push(...endings(lost, undefined));
  }
  epochs.push(starting.newEpoch);
  const before = found.identity ?? { ...starting, format: STORE_FORMAT, boot: 0, bootId: '', epochs };
  const meta = metaRecord(epochs.length - 1);
  return {
    identity: { ...bootOf(before, starting), epochs, isBootUnsaid: true },
    isNewEpoch: true,
    isNewBoot: before.bootId !== starting.bootId,
    streams: [...newestOf(records).map((record) => ({ record, next: 0 })), { record: meta, next: 0 }],
    gaps,
    warnings: why === '' ? [] : [`${why}: a new epoch begins`],
  };
}

function endings(records: readonly StreamRecord[], head: Head | undefined): (StreamId & LedgerGap)[] {
  return records.map(({ epoch, id }) => {
    return { epoch, id, first: head?.next[id] ?? 0, last: undefined, cause: 'epochEnd', atMost: true };
  });
}

function metaRecord(epoch: number): StreamRecord {
  const { title, channels, version } = META_DESCRIPTOR;
  return { epoch, id: 0, name: META_STREAM, class: 'meta', version, title, channels };
}

function bootOf(identity: Identity, { node, machineId, bootId }: Starting): Identity {
  if (identity.bootId === bootId) return { ...identity, node, machineId };
  return { ...identity, node, machineId, bootId, boot: identity.boot + 1, isBootUnsaid: true };
}

/** Streams that only the reserve knows: LevelDB lost them. */
function unknownOf(
  entries: readonly ReserveEntry[],
  known: readonly StreamRecord[],
  epoch: number,
): readonly StreamRecord[] {
  let id = known.reduce((highest, record) => Math.max(highest, record.id), -1);
  return entries
    .filter((entry) => !known.some(({ name }) => name === entry.stream))
    .map(({ stream, class: logClass, version, id: own }) => {
      if (own === undefined) id += 1;
      return lostRecord({ epoch, id: own ?? id }, stream, logClass, version);
    });
}

/** What is known of a stream whose record is lost; the meta stream's is the same everywhere. */
export function lostRecord(id: StreamId, name: string, logClass: LogClass, version: number): StreamRecord {
  if (logClass === 'meta') return { ...metaRecord(id.epoch), id: id.id };
  return { epoch: id.epoch, id: id.id, name, class: logClass, version, title: '', channels: [] };
}

/** The newest version of each stream, of one epoch or all. */
export function newestOf(records: readonly StreamRecord[], epoch?: number): readonly StreamRecord[] {
  const newest = new Map<number, StreamRecord>();
  for (const record of records) {
    if (epoch !== undefined && record.epoch !== epoch) continue;
    const other = newest.get(streamName(record));
    if (!other || other.version < record.version) newest.set(streamName(record), record);
  }
  return [...newest.values()];
}

/** One entry a stream; the later one wins. */
function unique(streams: readonly StartStream[]): readonly StartStream[] {
  return [...new Map(streams.map((stream) => [streamName(stream.record), stream])).values()];
}
