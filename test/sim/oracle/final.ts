import type { Receiver } from '../../../fleet/receive/index.js';
import { native } from '../../../native/index.js';
import type { DeadLetter } from '../../../runtime/store/types.js';
import type { GapCause } from '../../../wire/index.js';
import type { Scenario } from '../scenario.js';
import type { Oracle } from './oracle.js';
import {
  ACKNOWLEDGED,
  causeBit,
  causesOf,
  DESTROYED,
  EXCUSED,
  GIVEN_UP,
  RECEIVED,
  REFUSED,
  STORED,
  type Track,
} from './track.js';

/** What the world did to the node, as far as it excuses losses. */
export interface Circumstances {
  readonly scenario: Scenario;
  readonly node: string;
  /** The store came near its size. */
  readonly wasFull: boolean;
  /** What the store keeps at the end of what nobody will take. */
  readonly deadLetters: readonly DeadLetter[];
}

interface OfTrack extends Circumstances {
  /** Of the epoch some is destroyed, and perhaps what tells a number that was stored from one that was only given. */
  readonly isEndUnknown: boolean;
}

/** After the calm: each number of each stream of each epoch is asked what became of it. */
export function judge(oracle: Oracle, receiver: Receiver, world: Circumstances): void {
  const damaged = new Set([...oracle.tracks].filter(isDamaged).map(({ epoch }) => epoch));
  for (const track of oracle.tracks) {
    judgeTrack(oracle, track, { ...world, isEndUnknown: damaged.has(track.epoch) });
    judgeBlocks(oracle, track);
  }
  judgeDead(oracle, world);
  judgeLetters(oracle, world);
  judgeBoots(oracle);
  judgeShed(oracle, world);
  judgeSummary(oracle, receiver, world);
  judgeTimes(oracle, receiver, world.node);
}

function isDamaged(track: Track): boolean {
  for (let n = 0; n < track.end; n += 1) if (track.flags(n) & DESTROYED) return true;
  return false;
}

function judgeTrack(oracle: Oracle, track: Track, world: OfTrack): void {
  const end = Math.min(track.end, track.resolvedTo);
  for (let n = 0; n < end; n += 1) {
    const flags = track.flags(n);
    const causes = n >= track.openFrom ? (['epochEnd', ...causesOf(flags)] as const) : causesOf(flags);
    const where = `${track.stream} ${n} (epoch ${track.epoch})`;
    for (const cause of causesOf(flags))
      if (isUnfounded(cause, flags, world))
        oracle.fail('gaps', `${where} is in a gap ${cause}, and nothing of the kind became of it`);
    if (flags & RECEIVED) continue;
    if (flags & EXCUSED) continue;
    if (causes.length === 0) oracle.fail('hole', `${where}: nobody says what became of it`);
    else if (!causes.some((cause) => isExcuse(cause, flags, world)))
      oracle.fail('lost', `${where} is in a gap ${causes.join(', ')} without a reason (${told(flags)})`);
  }
}

/** Whether the world saw the number where no such gap may say that it isn't. */
function isUnfounded(cause: GapCause, flags: number, { scenario }: Circumstances): boolean {
  const wasStored = (flags & (STORED | DESTROYED | EXCUSED)) === STORED;
  switch (cause) {
    case 'quota':
      // A batch that failed may have entered the gap, and its deletion comes later.
      return (
        (flags & (GIVEN_UP | DESTROYED)) === 0 && !scenario.faults.some(({ kind }) => DISK_FAULTS.has(kind))
      );
    case 'overflow':
    case 'uncleanStop':
      return wasStored;
    case 'rejected':
      return (flags & REFUSED) === 0;
    case 'thinned':
      return (flags & STORED) === 0;
    case 'rot':
      return (flags & (DESTROYED | EXCUSED)) === 0 && !scenario.faults.some(({ kind }) => LOSING.has(kind));
    case 'epochEnd':
      return false;
  }
}

/** What is given up is given up block by block: a gap that has a part of one has too much, or too little. */
function judgeBlocks(oracle: Oracle, track: Track): void {
  for (const [first, { count }] of track.blocks) {
    const ofBlock = (n: number): number => track.flags(n) & BLOCKWISE;
    if (track.flags(first) & (DESTROYED | EXCUSED)) continue;
    for (let n = first + 1; n < first + count; n += 1) {
      if (ofBlock(n) !== ofBlock(first))
        oracle.fail(
          'gaps',
          `${track.stream} ${first} to ${first + count - 1} is one block, and a gap has a part of it, up to ${n}`,
        );
    }
  }
}

/** What was refused for good is kept, unless newer ones have pushed it out, or the medium has lost it. */
function judgeDead(oracle: Oracle, { scenario, deadLetters }: Circumstances): void {
  const bytes = deadLetters.reduce((sum, { content }) => sum + content.length, 0);
  const mayLack =
    bytes + LARGEST_LETTER_BYTES > DEAD_SHARE * scenario.store.sizeBytes ||
    scenario.faults.some(({ kind }) => kind === 'rot');
  if (mayLack) return;
  for (const track of oracle.tracks) {
    for (const [first, { count }] of track.blocks) {
      const isRejected = causesOf(track.flags(first)).includes('rejected');
      const isIt = (letter: DeadLetter): boolean =>
        letter.epoch === track.epoch && letter.stream === track.stream && letter.first === first;
      if (isRejected && deadLetters.find(isIt)?.count !== count)
        oracle.fail(
          'deadLetters',
          `${track.stream} ${first} was refused for good, and is not among the dead letters`,
        );
    }
  }
}

/** A letter has its reason, and the very block that was refused. */
function judgeLetters(oracle: Oracle, { deadLetters, scenario }: Circumstances): void {
  const mayBeDamaged = scenario.faults.some(({ kind }) => kind === 'rot');
  for (const { kind, stream, first, count, reason, content } of deadLetters) {
    if (reason === '') oracle.fail('deadLetters', `${stream} ${first} was refused without a reason`);
    if (kind !== 'block' || mayBeDamaged) continue;
    const header = native.decodeHeader(content);
    const isIt = header.stream === stream && header.first === first && header.count === count;
    if (!isIt || header.byteLength !== content.length)
      oracle.fail('deadLetters', `${stream} ${first} is kept with other bytes than its block's`);
  }
}

/** Memory that is full gives up the lowest class first: alarms are few, and never fill it by themselves. */
function judgeShed(oracle: Oracle, { scenario }: Circumstances): void {
  const { streams, store } = scenario;
  for (const { stream, end, flags } of oracle.tracks) {
    const isAlarm = streams.some((plan) => plan.id === stream && plan.class === 'alarm');
    if (!isAlarm || end * ALARM_BYTES > store.memoryBytes) continue;
    for (let n = 0; n < end; n += 1)
      if (flags(n) & causeBit('overflow'))
        oracle.fail('memory', `${stream} ${n} had no room in memory, where all alarms have`);
  }
}

/** Each boot of which rows came is told, unless a meta row was lost. */
function judgeBoots(oracle: Oracle): void {
  if (oracle.metaMayBeMissing) return;
  for (const { track, bootNumber } of oracle.arrivals) {
    if (!oracle.saidBoots.has(`${track.epoch}/${bootNumber}`))
      oracle.fail('boots', `rows of boot ${bootNumber} came, and nobody told of it (epoch ${track.epoch})`);
  }
}

function told(flags: number): string {
  return flags & ACKNOWLEDGED ? 'it was acknowledged' : 'it was not acknowledged';
}

/** Whether something happened that entitles the node to such a gap. */
function isExcuse(cause: GapCause, flags: number, { scenario, wasFull, isEndUnknown }: OfTrack): boolean {
  switch (cause) {
    case 'quota':
      return wasFull;
    case 'rot':
      return (flags & DESTROYED) !== 0 || (isEndUnknown && (flags & (ACKNOWLEDGED | STORED)) === 0);
    case 'uncleanStop':
    case 'epochEnd':
      return (flags & ACKNOWLEDGED) === 0 || (flags & DESTROYED) !== 0;
    case 'overflow':
      return (flags & ACKNOWLEDGED) === 0 && scenario.faults.some(({ kind }) => FILLING.has(kind));
    case 'rejected':
      return (flags & REFUSED) !== 0;
    case 'thinned':
      return (flags & STORED) !== 0 && scenario.uplink.budget !== undefined;
  }
}

const BLOCKWISE = causeBit('quota') | causeBit('thinned') | causeBit('rejected');
/** Of the store's size: theirs. */
const DEAD_SHARE = 1 / 64;
/** Of a row in memory, and of the block that it may be alone. */
const ALARM_BYTES = 300;
/** One that is larger than their bound is not kept, and a new one may push out a few old ones. */
const LARGEST_LETTER_BYTES = 80 * 1024;
/** What the medium may lose by them, an audit finds. */
const LOSING = new Set(['rot', 'diskError', 'diskFull', 'readOnly']);
/** A backlog that is refused for good, all at once, is a flood of lines of the log. */
const FILLING = new Set(['diskFull', 'diskError', 'readOnly', 'slowDisk', 'refusal']);
const DISK_FAULTS = new Set(['diskFull', 'diskError', 'readOnly', 'slowDisk']);

/** The receiver's own ledger must come to the same. */
function judgeSummary(oracle: Oracle, receiver: Receiver, { node, scenario }: Circumstances): void {
  const refused = scenario.faults.some(({ kind }) => kind === 'refusal');
  for (const line of receiver.summary()) {
    const where = `${line.stream} (epoch ${line.epoch})`;
    if (line.node !== node) oracle.fail('ledger', `the ledger has a node ${line.node}`);
    if (line.conflicts > 0) oracle.fail('ledger', `${where}: ${line.conflicts} conflicts`);
    if (line.contradictions > 0 && !refused)
      oracle.fail('ledger', `${where}: ${line.contradictions} contradictions`);
    const track = oracle.track(line.epoch, line.stream);
    if ((line.openFrom ?? Number.POSITIVE_INFINITY) !== track.openFrom)
      oracle.fail('ledger', `${where}: open from ${line.openFrom}, and ${track.openFrom} was told`);
    for (const { first, last } of line.missingRanges) {
      for (let n = first; n <= Math.min(last, track.resolvedTo - 1); n += 1) {
        if (n < track.openFrom && (track.flags(n) & EXCUSED) === 0)
          oracle.fail('ledger', `${where}: the receiver misses ${n}`);
      }
    }
  }
}

/** Each time that is called known holds the true one within its uncertainty, and each bound does bound it. */
function judgeTimes(oracle: Oracle, receiver: Receiver, node: string): void {
  for (const { track, first, bootNumber, timeNs } of oracle.arrivals) {
    const segment = track.segmentOf(first);
    if (!segment) continue;
    const trueNs = segment.boot.wallOf(timeNs);
    const time = receiver.timeOf(node, track.epoch, bootNumber, timeNs);
    const where = `${track.stream} ${first} (epoch ${track.epoch}, boot ${bootNumber})`;
    if (time.kind === 'known') {
      const off = time.wallNs > trueNs ? time.wallNs - trueNs : trueNs - time.wallNs;
      if (off > time.uncertaintyNs + 1000n)
        oracle.fail('times', `${where} is told ${off} ns off, and sure within ${time.uncertaintyNs}`);
    } else if (oracle.anchoredBoots.has(`${track.epoch}/${bootNumber}`)) {
      oracle.fail('times', `${where} has no known time, and an anchor of its boot came`);
    } else if (time.kind === 'bounded') {
      if (time.notBeforeNs !== undefined && trueNs + 1000n < time.notBeforeNs)
        oracle.fail('times', `${where} is told ${time.notBeforeNs - trueNs} ns too late at the least`);
      if (time.notAfterNs !== undefined && trueNs - 1000n > time.notAfterNs)
        oracle.fail('times', `${where} is told ${trueNs - time.notAfterNs} ns too early at the most`);
    }
  }
}
