import type { Sentence } from './conversion.js';
import type { Fix } from './registers.js';

/** Everything that a receiver said about one moment. */
export interface Epoch {
  /** Boot time of the epoch's first sentence. */
  readonly startNs: bigint;
  timeOfDayMs?: number | undefined;
  /** The most doubtful of what its sentences say; undefined where none says anything. */
  fix?: Fix | undefined;
  latitudeDeg?: number | undefined;
  longitudeDeg?: number | undefined;
  altitudeM?: number | undefined;
  speedMps?: number | undefined;
  trackDeg?: number | undefined;
  dateMs?: number | undefined;
  dimensions?: number | undefined;
  hdop?: number | undefined;
  /** By GGA, which some receivers cap at 12. */
  used?: number | undefined;
  /** Listed in GSA, all systems. */
  listed?: number | undefined;
  readonly seen: Map<string, number>;
  sentences: number;
  timed: boolean;
  lastKey: string;
}

const DAY_MS = 86_400_000;
/** Some receivers round the time differently from sentence to sentence: .758 in GLL, .76 in RMC. Fixes are further apart. */
const SAME_MOMENT_MS = 10;
/** Longer cycles are cut: a line that repeats one untimed sentence for ever can't fill the memory. */
const MAX_SENTENCES = 64;
const DOUBT: Readonly<Record<Fix, number>> = { none: 0, estimated: 1, valid: 2 };

/**
 * Puts sentences of one moment together. They carry a time (RMC, GGA, GLL, ZDA) or belong to the moment that is being told (GSA, VTG).
 * An epoch ends when the time changes, or when the sentence arrives that ended the two cycles before: then it is out at once and not
 * a cycle late. Depends on the order of the sentences only, never on how the bytes arrived.
 */
export class EpochAssembler {
  #current: Epoch | undefined;
  #closed: Epoch | undefined;
  #ender: string | undefined;
  #candidate: string | undefined;

  /** The epochs that this sentence brings to an end, oldest first: none, one, or two. */
  push(sentence: Sentence, timeNs: bigint): Epoch[] {
    if (this.#isLate(sentence)) return [];
    const done: Epoch[] = [];
    if (this.#current && startsNew(this.#current, sentence)) done.push(this.#closeByChange(this.#current));
    this.#current ??= { startNs: timeNs, seen: new Map(), sentences: 0, timed: false, lastKey: '' };
    merge(this.#current, sentence);
    if (this.#current.timed && this.#current.lastKey === this.#ender) done.push(this.#close(this.#current));
    return done;
  }

  /** Forgets a half epoch and what was learned: another receiver may come back. */
  reset(): void {
    this.#current = undefined;
    this.#closed = undefined;
    this.#ender = undefined;
    this.#candidate = undefined;
  }

  /** The cycle grew a sentence after its known end: that moment is told already; learn anew. */
  #isLate(sentence: Sentence): boolean {
    const closed = this.#closed;
    if (!closed || this.#current?.timed || closed.seen.has(sentence.address)) return false;
    if (!sameMoment(sentence.timeOfDayMs, closed.timeOfDayMs)) return false;
    this.#ender = undefined;
    this.#candidate = undefined;
    return true;
  }

  #closeByChange(epoch: Epoch): Epoch {
    this.#ender = epoch.lastKey === this.#candidate ? epoch.lastKey : undefined;
    this.#candidate = epoch.lastKey;
    return this.#close(epoch);
  }

  #close(epoch: Epoch): Epoch {
    this.#current = undefined;
    this.#closed = epoch;
    return epoch;
  }
}

function isTimed(sentence: Sentence): boolean {
  return sentence.formatter !== 'GSA' && sentence.formatter !== 'VTG';
}

function startsNew(epoch: Epoch, sentence: Sentence): boolean {
  if (epoch.sentences >= MAX_SENTENCES) return true;
  if (!isTimed(sentence) || !epoch.timed) return false;
  // Receivers without a time yet leave it empty or frozen: then a sentence that comes again is the next moment.
  if (epoch.seen.has(sentence.address)) return true;
  if (sentence.timeOfDayMs === undefined || epoch.timeOfDayMs === undefined) return false;
  return !sameMoment(sentence.timeOfDayMs, epoch.timeOfDayMs);
}

function sameMoment(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const apartMs = Math.abs(one - other);
  return Math.min(apartMs, Math.abs(DAY_MS - apartMs)) < SAME_MOMENT_MS; // 23:59:59.998 and 00:00:00.00 are neighbours
}

/**
 * The first sentence to say a thing is believed, except that one doubtful sentence makes the whole epoch doubtful, and that a date comes
 * with the time of its own sentence.
 */
function merge(epoch: Epoch, sentence: Sentence): void {
  const count = (epoch.seen.get(sentence.address) ?? 0) + 1;
  epoch.seen.set(sentence.address, count);
  epoch.lastKey = `${sentence.address}${count}`;
  epoch.sentences++;
  epoch.timed ||= isTimed(sentence);
  if (epoch.dateMs === undefined && sentence.dateMs !== undefined) {
    epoch.dateMs = sentence.dateMs;
    epoch.timeOfDayMs = sentence.timeOfDayMs ?? epoch.timeOfDayMs;
  }
  epoch.timeOfDayMs ??= sentence.timeOfDayMs;
  if (sentence.fix && (!epoch.fix || DOUBT[sentence.fix] < DOUBT[epoch.fix])) epoch.fix = sentence.fix;
  if (epoch.latitudeDeg === undefined) {
    epoch.latitudeDeg = sentence.latitudeDeg;
    epoch.longitudeDeg = sentence.longitudeDeg;
  }
  epoch.altitudeM ??= sentence.altitudeM;
  epoch.speedMps ??= sentence.speedMps;
  epoch.trackDeg ??= sentence.trackDeg;
  epoch.dimensions ??= sentence.dimensions;
  epoch.hdop ??= sentence.hdop;
  if (sentence.formatter === 'GSA') epoch.listed = (epoch.listed ?? 0) + (sentence.used ?? 0);
  else epoch.used ??= sentence.used;
}
