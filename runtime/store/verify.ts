import { join } from 'node:path/posix';
import type { Epoch, Gap, GapCause, LogClass } from '../../wire/index.js';
import { type Audit, audit, holes } from './audit.js';
import { openForReading } from './database.js';
import { StoreError } from './error.js';
import { type StreamId, streamName } from './keys.js';
import { type Loaded, load } from './load.js';
import type { LevelDb, StoreDeps } from './options.js';
import { RangeSet } from './ranges.js';
import type { Identity, StreamRecord } from './records.js';
import { newestOf } from './recover.js';
import { newestSlot, type Reserve } from './reserve.js';
import type { DeadLetter } from './types.js';

export type AuditCounts = Omit<Audit, 'stored' | 'names' | 'lastBoot' | 'firsts'>;

/** [from, to). */
export type Range = readonly [from: number, to: number];

export interface StreamVerdict {
  readonly epoch: Epoch;
  readonly stream: string;
  readonly class: LogClass;
  /** By the head; for an epoch that has ended, past the last number that is known of. */
  readonly next: number;
  /** Below this numbers may have been given; `undefined` for an epoch that has ended. */
  readonly limit: number | undefined;
  readonly stored: readonly Range[];
  /** Received, or in a gap. */
  readonly settled: readonly Range[];
  /** Accounted for by nothing: a fault. */
  readonly missing: readonly Range[];
}

export interface Verdict {
  /** Everything is whole, and stored ∪ settled = [0, next) for every stream. */
  readonly ok: boolean;
  readonly node: string;
  /** Where the store was last open. */
  readonly machineId: string;
  readonly epoch: Epoch;
  readonly boot: number;
  readonly cleanStop: boolean;
  readonly streams: readonly StreamVerdict[];
  /** In the ledger: not yet sent as meta rows. */
  readonly gaps: readonly Gap[];
  readonly gapRows: Readonly<Partial<Record<GapCause, number>>>;
  readonly audit: AuditCounts;
  /** Damaged records of the store's own. */
  readonly damagedRecords: number;
  /** What is wrong, for people; empty when `ok`. */
  readonly problems: readonly string[];
}

/**
 * Checks a store that no node has open: every block's CRC, and that every number is stored or settled. Changes no reading (LevelDB may
 * turn its log into a table). Of a damaged database it says what is damaged, and looks no further. StoreError: `locked` while a node runs
 * on it, `invalid` where there is no store, `io`.
 */
export async function verifyStore(path: string, deps: StoreDeps): Promise<Verdict> {
  const reserve = await readReserve(path, deps);
  let db: LevelDb;
  try {
    db = await openForReading(path, deps);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'damaged') return unread(reserve, error.message);
    throw error;
  }
  try {
    const loaded = await load(db, path, deps.native);
    const find = finder(loaded);
    return judge(loaded, reserve, await audit(db, { native: deps.native, find }));
  } finally {
    await db.close();
  }
}

/** What the reserve alone tells. */
function unread(reserve: Reserve | undefined, problem: string): Verdict {
  return {
    ok: false,
    node: reserve?.owner?.node ?? '',
    machineId: reserve?.owner?.machineId ?? '',
    epoch: reserve?.epoch ?? '',
    boot: reserve?.owner?.boot ?? 0,
    cleanStop: reserve?.clean ?? false,
    streams: [],
    gaps: [],
    gapRows: {},
    audit: NOTHING,
    damagedRecords: 0,
    problems: [problem],
  };
}

const NOTHING: AuditCounts = {
  values: 0,
  blocks: 0,
  rows: 0,
  bytes: 0,
  damagedBlocks: [],
  damagedValues: 0,
  unknownBlocks: 0,
  unreadable: [],
};

function judge(loaded: Loaded, reserve: Reserve | undefined, found: Audit): Verdict {
  const { identity, head } = loaded;
  const epochs = identity?.epochs ?? [];
  const settled = settledOf(loaded);
  const streams = newestOf(loaded.records).map((record) => {
    const [stored, done] = [
      found.stored.get(streamName(record)),
      settled.get(streamName(record)) ?? new RangeSet(),
    ];
    const isCurrent = record.epoch === epochs.length - 1;
    const end = loaded.gaps.find(
      (gap) => gap.last === undefined && streamName(gap.stream) === streamName(record),
    );
    const next = isCurrent
      ? (head?.next[record.id] ?? 0)
      : (end?.first ?? Math.max(endOf(stored), endOf(done)));
    const limit = isCurrent
      ? reserve?.entries.find(({ stream }) => stream === record.name)?.limit
      : undefined;
    const missing = holes(stored, done, next);
    const ranges = { stored: [...(stored ?? [])], settled: [...done], missing };
    return { epoch: epochs[record.epoch]!, stream: record.name, class: record.class, next, limit, ...ranges };
  });
  const gaps = loaded.gaps.map((gap) => wireGap(gap, identity, loaded.records));
  const problems = problemsOf(loaded, reserve, found, streams);
  return {
    ok: problems.length === 0,
    node: identity?.node ?? '',
    machineId: identity?.machineId ?? '',
    epoch: epochs.at(-1) ?? '',
    boot: identity?.boot ?? 0,
    cleanStop: reserve?.clean ?? false,
    streams,
    gaps,
    gapRows: rowsByCause(gaps),
    audit: plain(found),
    damagedRecords: loaded.damaged,
    problems,
  };
}

/** Received or in a gap, by stream. */
export function settledOf({ settled, gaps }: Loaded): ReadonlyMap<number, RangeSet> {
  const all = new Map(settled.map(([stream, bounds]) => [streamName(stream), new RangeSet(bounds)]));
  for (const { stream, first, last } of gaps) {
    const numbers = all.get(streamName(stream)) ?? new RangeSet();
    if (last !== undefined) numbers.add(first, last + 1);
    all.set(streamName(stream), numbers);
  }
  return all;
}

function problemsOf(
  loaded: Loaded,
  reserve: Reserve | undefined,
  found: Audit,
  streams: readonly StreamVerdict[],
): readonly string[] {
  const problems: string[] = [];
  if (!loaded.identity) problems.push('the identity is missing or damaged');
  if (!loaded.head) problems.push('the head is missing or damaged');
  if (!reserve) problems.push('the reserve is unreadable: the next start begins a new epoch');
  if (loaded.damaged > 0) problems.push(`${loaded.damaged} of the store's own records are damaged`);
  if (found.damagedValues > 0) problems.push(`${found.damagedValues} values have a damaged table of blocks`);
  if (found.unknownBlocks > 0) problems.push(`${found.unknownBlocks} blocks are of streams without a record`);
  for (const place of found.unreadable) problems.push(`LevelDB can't read on in class ${place}`);
  for (const { class: name, commit, index, first, count } of found.damagedBlocks) {
    problems.push(`block ${name} ${commit}/${index} is damaged: numbers ${first} to ${first + count - 1}`);
  }
  for (const { stream, epoch, missing } of streams) {
    for (const [from, to] of missing)
      problems.push(`${stream} (epoch ${epoch}): ${from} to ${to - 1} are nowhere`);
  }
  return problems;
}

/** The dead letters of a store that no node has open. StoreError: `locked` while a node runs on it, `damaged`. */
export async function readDeadLetters(path: string, deps: StoreDeps): Promise<readonly DeadLetter[]> {
  const db = await openForReading(path, deps);
  try {
    return (await load(db, path, deps.native)).dead.map(([, letter]) => letter);
  } finally {
    await db.close();
  }
}

async function readReserve(path: string, deps: StoreDeps): Promise<Reserve | undefined> {
  const bytes = await deps.files.read(join(path, 'reserve'));
  return bytes && newestSlot(bytes, deps.native.crc32c);
}

/** By what a block's header says. */
export function finder({ identity, records }: Loaded): (epoch: Epoch, name: string) => StreamId | undefined {
  const streams = new Map(
    records.map((record) => [`${identity?.epochs[record.epoch]} ${record.name}`, record]),
  );
  return (epoch, name) => streams.get(`${epoch} ${name}`);
}

function wireGap(
  { stream, first, last, cause, atMost }: Loaded['gaps'][number],
  identity: Identity | undefined,
  records: readonly StreamRecord[],
): Gap {
  const record = records.find((one) => streamName(one) === streamName(stream));
  const epoch = identity?.epochs[stream.epoch] ?? '';
  return { epoch, stream: record?.name ?? '', first, last, cause, atMost };
}

function rowsByCause(gaps: readonly Gap[]): Partial<Record<GapCause, number>> {
  const rows: Partial<Record<GapCause, number>> = {};
  for (const { cause, first, last } of gaps) {
    rows[cause] = (rows[cause] ?? 0) + (last === undefined ? 0 : last - first + 1);
  }
  return rows;
}

function endOf(ranges: RangeSet | undefined): number {
  return ranges?.bounds.at(-1) ?? 0;
}

/** An auditor's counts without its means. */
function plain(found: AuditCounts): AuditCounts {
  const { values, blocks, rows, bytes, damagedBlocks, damagedValues, unknownBlocks, unreadable } = found;
  return { values, blocks, rows, bytes, damagedBlocks, damagedValues, unknownBlocks, unreadable };
}
