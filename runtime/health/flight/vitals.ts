import type { RuntimeClock, Timer, WallClock } from '../../clock/types.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { FlightSecond } from './record.js';
import type { Recorder } from './recorder.js';
import type { Tally } from './taps.js';

const SECOND_MS = 1_000;
const LATE_MS = 100;
/** Less than this against the boot clock, in a second, is a time daemon's slewing. */
const STEP_NS = 500_000_000n;
/** Memory is told when it has moved by so much. */
const MEMORY_BYTES = 1024 * 1024;

export interface VitalsOptions {
  readonly recorder: Recorder;
  readonly tally: Tally;
  readonly clock: RuntimeClock;
  readonly wall: Pick<WallClock, 'pair'>;
  readonly status: () => PipelineStatus;
  /** The longest that the event loop was late since it was asked last, ms. */
  readonly lateMs: () => number;
}

/** Seconds in which all went as it should are told together, so many at the most: the record reaches back for hours. */
const HOLD_SECONDS = 30;
/** A commit that takes longer is news. */
const SLOW_COMMIT_MS = 500;

/** Once a second: what has changed in the node's status since the last time. Seconds without any change are not told. */
export class Vitals {
  #timer: Timer | undefined;
  #before: PipelineStatus | undefined;
  #offsetNs: bigint | undefined;
  #residentBytes = 0;
  #held: FlightSecond = {};
  #seconds = 0;

  constructor(private readonly options: VitalsOptions) {}

  start(): void {
    this.#timer = this.options.clock.after(SECOND_MS, () => this.start());
    this.look();
  }

  stop(): void {
    this.#timer?.cancel();
    this.look(true);
  }

  /** `isLast`: nothing is held back. */
  look(isLast = false): void {
    const status = this.options.status();
    const before = this.#before;
    this.#before = status;
    this.#streams(status, before);
    this.#clock(status, before);
    this.#held = merged(this.#held, { ...this.#tallied(), ...this.#moved(status, before) });
    if (!isLast && ++this.#seconds < HOLD_SECONDS && before && !isNews(this.#held, status, before)) return;
    if (Object.keys(this.#held).length > 0) this.options.recorder.note({ e: 'second', ...this.#held });
    this.#held = {};
    this.#seconds = 0;
  }

  #streams(status: PipelineStatus, before: PipelineStatus | undefined): void {
    const known = new Set(before?.store.streams.map(({ stream }) => stream));
    for (const one of status.store.streams) {
      if (!known.has(one.stream))
        this.options.recorder.head({ e: 'stream', stream: one.stream, class: one.class });
    }
  }

  #clock(status: PipelineStatus, before: PipelineStatus | undefined): void {
    const { recorder, wall } = this.options;
    const pair = wall.pair();
    const offsetNs = pair.wallNs - pair.bootNs;
    const movedNs = offsetNs - (this.#offsetNs ?? offsetNs);
    this.#offsetNs = offsetNs;
    if (movedNs > STEP_NS || movedNs < -STEP_NS)
      recorder.note({ e: 'step', ms: Number(movedNs / 1_000_000n) });
    const { wallNs, uncertaintyNs } = status.time;
    if (wallNs !== undefined && before?.time.wallNs === undefined)
      recorder.note({ e: 'time', wallNs: String(wallNs), uncertaintyNs: String(uncertaintyNs) });
  }

  #tallied(): FlightSecond {
    const { tally, recorder } = this.options;
    const { commits, commitMs, answers } = tally;
    tally.commits = 0;
    tally.commitMs = 0;
    tally.answers = {};
    const lateMs = this.options.lateMs();
    return {
      ...(commits > 0 ? { commits, commitMs } : {}),
      ...orNothing('answers', answers),
      ...(lateMs >= LATE_MS ? { lateMs: Math.round(lateMs) } : {}),
      ...some('left', recorder.takeLeft()),
    };
  }

  #moved(status: PipelineStatus, before: PipelineStatus | undefined): FlightSecond {
    const { store, parts, residentBytes } = status;
    // Numbers of a store that wasn't open yet say nothing.
    const isSame = before?.store.epoch === store.epoch;
    const streams = new Map(before?.store.streams.map((one) => [one.stream, one]));
    const rows: Record<string, number> = {};
    const gaps: Record<string, number> = {};
    for (const one of store.streams) {
      const last = streams.get(one.stream);
      count(rows, one.stream, one.next - (isSame ? (last?.next ?? 0) : one.next));
      for (const [cause, number] of Object.entries(one.gaps))
        count(gaps, `${one.stream} ${cause}`, number - (last?.gaps[cause as keyof typeof one.gaps] ?? 0));
    }
    const failed = new Map(before?.parts.map(({ id, failures }) => [id, failures]));
    const faults = Object.fromEntries(
      parts
        .filter(({ id, failures }) => failures > (failed.get(id) ?? 0))
        .map(({ id, lastErrorKind }) => [id, lastErrorKind ?? 'unknown']),
    );
    const hasGrown = Math.abs(residentBytes - this.#residentBytes) >= MEMORY_BYTES;
    if (hasGrown) this.#residentBytes = residentBytes;
    const isWriting = store.bytesWritten !== (before?.store.bytesWritten ?? 0);
    return {
      ...orNothing('rows', rows),
      ...orNothing('gaps', gaps),
      ...orNothing('faults', faults),
      ...(isWriting ? { bytesWritten: store.bytesWritten, diskBytes: store.diskBytes } : {}),
      ...(store.health.state === 'ok' ? {} : { waitingRows: store.health.waitingRows }),
      ...(hasGrown ? { residentBytes } : {}),
    };
  }
}

/** What somebody who looks for a fault wants to know to the second. */
function isNews(second: FlightSecond, status: PipelineStatus, before: PipelineStatus): boolean {
  const { gaps, faults, waitingRows, answers, lateMs, left, commitMs = 0, rows = {} } = second;
  const isUrgent = status.store.streams.some(
    (one) => rows[one.stream] !== undefined && (one.class === 'alarm' || one.class === 'event'),
  );
  return (
    [gaps, faults, waitingRows, lateMs, left].some((value) => value !== undefined) ||
    Object.keys(answers ?? {}).some((code) => code !== '0') ||
    commitMs >= SLOW_COMMIT_MS ||
    isUrgent ||
    status.store.health.state !== before.store.health.state ||
    status.parts.some(({ state }, i) => state !== before.parts[i]?.state)
  );
}

/** Counts are added up, what is a length of time is the longest, what is a state is the latest. */
function merged(one: FlightSecond, next: FlightSecond): FlightSecond {
  const { rows, gaps, answers } = { ...one, ...next };
  const commits = (one.commits ?? 0) + (next.commits ?? 0);
  return {
    ...one,
    ...next,
    ...(rows ? { rows: added(one.rows, next.rows) } : {}),
    ...(gaps ? { gaps: added(one.gaps, next.gaps) } : {}),
    ...(answers ? { answers: added(one.answers, next.answers) } : {}),
    ...(commits > 0 ? { commits, commitMs: Math.max(one.commitMs ?? 0, next.commitMs ?? 0) } : {}),
  };
}

type Counts = Readonly<Record<string, number>>;

function added(one: Counts = {}, next: Counts = {}): Counts {
  const sums: Record<string, number> = { ...one };
  for (const [name, number] of Object.entries(next)) sums[name] = (sums[name] ?? 0) + number;
  return sums;
}

function count(counts: Record<string, number>, name: string, number: number): void {
  if (number > 0) counts[name] = number;
}

function some<K extends string>(key: K, number: number): { [P in K]?: number } {
  return (number > 0 ? { [key]: number } : {}) as { [P in K]?: number };
}

function orNothing<K extends string, T extends object>(key: K, value: T): { [P in K]?: T } {
  return (Object.keys(value).length > 0 ? { [key]: value } : {}) as { [P in K]?: T };
}
