import { join } from 'node:path/posix';
import { audit, holes } from './audit.js';
import { LEVEL, setChecked } from './database.js';
import { reasonOf, StoreError } from './error.js';
import { streamName } from './keys.js';
import type { LevelDb } from './options.js';
import type { RangeSet } from './ranges.js';
import type { Releases } from './release.js';
import type { StoreState } from './state.js';
import type { Stream } from './stream.js';

/** After so many bytes the event loop and the disk get a rest. */
const BREATH_BYTES = 1024 * 1024;
const BREATH_MS = 25;
const EVERY_MS = 7 * 24 * 3600 * 1000;
/** After one that was broken off, and between two repairs. */
const AGAIN_MS = 60_000;
/** After the database was opened anew: not oftener, since a disk that comes and goes must not be read without end. */
const REOPENED_MS = 600_000;
const MAX_KNOWN = 1024;

interface Scrubbed {
  readonly gaps: number;
  readonly unreadable: readonly string[];
  /** Values are there whose deletion was lost: who reads on from where he was has missed them. */
  readonly isBack: boolean;
}

/**
 * The audit of a store in use: damaged blocks and numbers that are nowhere become gaps `rot`. What was committed before it began is looked
 * at; what leaves meanwhile is settled by its end. Where LevelDB can't read, nothing is said of what isn't seen.
 */
export async function scrub(state: StoreState, db: LevelDb, releases: Releases): Promise<Scrubbed> {
  const { native, log } = state.options.deps;
  const { durableNext, epochIndex } = state;
  const found = await audit(db, {
    native,
    find: (epoch, name) => state.find(epoch, name),
    pause: breather(state),
  });
  for (const { class: name, commit, index } of found.damagedBlocks)
    releases.add({ class: name, commit, index }, 'rot');
  if (found.unreadable.length > 0)
    return { gaps: found.damagedBlocks.length, unreadable: found.unreadable, isBack: false };
  // A deletion that was lost leaves its value below the floor: it is read once more.
  const isBack = [...found.firsts].filter(([name, first]) => state.lowerFloor(name, first)).length > 0;
  for (const { stream, epoch, name, class: logClass } of found.names.values())
    state.learn(stream, epoch, name, logClass);
  let made = found.damagedBlocks.length;
  for (const stream of [...state.all]) {
    const stored = found.stored.get(streamName(stream));
    for (const { stream: id, first, count } of found.damagedBlocks) {
      if (streamName(id) === streamName(stream)) stored?.add(first, first + count);
    }
    const next = stream.epoch === epochIndex ? (durableNext[stream.id] ?? 0) : endOf(state, stream, stored);
    for (const [from, to] of holes(stored, stream.settled, next)) {
      log('error', `${stream.name}: ${from} to ${to - 1} are gone from the disk: a gap says so`);
      state.gap(stream, { first: from, last: to - 1, cause: 'rot', atMost: true });
      made += 1;
    }
  }
  return { gaps: made, unreadable: [], isBack };
}

/** Where the open gap begins that ended the stream's epoch; one that is lost is made again, from the first number that is nowhere. */
function endOf(state: StoreState, stream: Stream, stored: RangeSet | undefined): number {
  const end = state.ledger.of(stream).find(({ last }) => last === undefined);
  if (end) return end.first;
  const first = holes(stored, stream.settled, Number.MAX_SAFE_INTEGER)[0]?.[0] ?? 0;
  state.gap(stream, { first, last: undefined, cause: 'epochEnd', atMost: true });
  return first;
}

function breather({ options }: StoreState): (bytes: number) => Promise<void> | undefined {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < BREATH_BYTES) return undefined;
    since = 0;
    options.deps.letPagesGo?.(join(options.path, LEVEL));
    return new Promise((resolve) => void options.deps.setTimer(resolve, BREATH_MS));
  };
}

export interface ScrubberEvents {
  /** Rows turned out to be gone: gaps say so. */
  onGaps(): void;
  /** Values came back that had been deleted. */
  onBack(): void;
  /** LevelDB can't read all of its files. */
  onDamage(what: string): void;
}

/**
 * Looks at everything that is stored: after each opening, once a week, and where somebody came upon damage. First the tables' own CRCs,
 * since LevelDB reads damaged ones at the process's peril; then every block.
 */
export class Scrubber {
  /** Audits that came to their end. */
  done = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #timer: unknown;
  /** When the next audit is due, of those that nobody asked for. */
  #dueNs = 0n;
  #isStopped = false;
  /** When a repair was asked for last. */
  #repairNs: bigint | undefined;
  /** Damaged values that were asked about: each is worth one audit. */
  readonly #known = new Set<string>();

  constructor(
    readonly state: StoreState,
    readonly releases: Releases,
    readonly database: () => LevelDb | undefined,
    readonly events: ScrubberEvents,
  ) {}

  start(): void {
    if (this.#isStopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#cancel();
    this.#running = this.#scrub().finally(() => {
      this.#running = undefined;
      if (this.#again) this.start();
    });
  }

  /** Somebody read what isn't whole, `where`. */
  doubt(where: string): void {
    if (this.#known.has(where) || this.#known.size >= MAX_KNOWN) return;
    this.#known.add(where);
    this.start();
  }

  /** A damaged place in the midst of its log LevelDB passes by as it opens, and says nothing: all is looked at within ten minutes. */
  reopened(): void {
    if (this.#isStopped || this.#running) return; // one that runs is broken off by that, and comes again
    if (this.#timer === undefined || this.#dueNs > this.#nowNs + BigInt(REOPENED_MS) * 1_000_000n)
      this.#startIn(REOPENED_MS);
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** None begins after it. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #scrub(): Promise<void> {
    this.#again = false;
    const { deps } = this.state.options;
    let nextMs = EVERY_MS;
    try {
      const damage = await this.#look();
      if (damage === undefined) await setChecked(this.state.options);
      else if (!this.#isStopped && !this.#repair(damage)) nextMs = AGAIN_MS;
    } catch (error) {
      deps.log('info', `the audit was broken off: ${reasonOf(error)}`);
      nextMs = AGAIN_MS;
    }
    if (!this.#isStopped) this.#startIn(nextMs);
  }

  get #nowNs(): bigint {
    return this.state.options.deps.nowNs();
  }

  #startIn(ms: number): void {
    this.#cancel();
    this.#dueNs = this.#nowNs + BigInt(ms) * 1_000_000n;
    this.#timer = this.state.options.deps.setTimer(() => this.start(), ms);
  }

  /** False soon after another: what no repair mends must not wear the flash out with repairs. */
  #repair(damage: string): boolean {
    const nowNs = this.#nowNs;
    if (this.#repairNs !== undefined && nowNs - this.#repairNs < BigInt(AGAIN_MS) * 1_000_000n) return false;
    this.#repairNs = nowNs;
    this.events.onDamage(damage);
    return true;
  }

  /** What is wrong with the database's files, or undefined: then all that is wrong has become gaps. */
  async #look(): Promise<string | undefined> {
    const { path, deps } = this.state.options;
    const pause = breather(this.state);
    const goOn = (): boolean => !this.#isStopped;
    const check = await deps.checkTables?.(join(path, 'level'), { goOn, pause });
    if (check?.damage !== undefined) return check.damage;
    const db = this.database();
    if (!db) throw new StoreError('io', path, 'no database is open');
    const { gaps, unreadable, isBack } = await scrub(this.state, db, this.releases);
    if (gaps > 0) this.events.onGaps();
    if (isBack) this.events.onBack();
    if (unreadable.length > 0) return unreadable.join('; ');
    this.done += 1;
    return undefined;
  }

  #cancel(): void {
    if (this.#timer !== undefined) this.state.options.deps.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
