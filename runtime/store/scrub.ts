import { audit, holes } from './audit.js';
import { reasonOf } from './error.js';
import { streamName } from './keys.js';
import type { LevelDb } from './options.js';
import type { Releases } from './release.js';
import type { StoreState } from './state.js';

/** After so many bytes the event loop and the disk get a rest. */
const BREATH_BYTES = 4 * 1024 * 1024;
const BREATH_MS = 20;

/**
 * The audit of a store in use: damaged blocks and numbers that are nowhere become gaps `rot`. What was committed before it began is looked
 * at; what leaves meanwhile is settled by its end. Returns how many gaps it made.
 */
export async function scrub(state: StoreState, db: LevelDb, releases: Releases): Promise<number> {
  const { native, log } = state.options.deps;
  const { durableNext, epochIndex } = state;
  const found = await audit(db, {
    native,
    find: (epoch, name) => state.find(epoch, name),
    pause: breather(state),
  });
  for (const { class: name, commit, index } of found.damagedBlocks)
    releases.add({ class: name, commit, index }, 'rot');
  if (found.unreadable.length > 0) {
    log(
      'error',
      `LevelDB can't read all of the store, so that holes can't be told: ${found.unreadable.join('; ')}`,
    );
    return found.damagedBlocks.length;
  }
  let made = found.damagedBlocks.length;
  for (const stream of state.all) {
    const stored = found.stored.get(streamName(stream));
    for (const { stream: id, first, count } of found.damagedBlocks) {
      if (streamName(id) === streamName(stream)) stored?.add(first, first + count);
    }
    const isCurrent = stream.epoch === epochIndex;
    const next = isCurrent ? (durableNext[stream.id] ?? 0) : (stored?.bounds.at(-1) ?? 0);
    for (const [from, to] of holes(stored, stream.settled, next)) {
      log('error', `${stream.name}: ${from} to ${to - 1} are gone from the disk: a gap says so`);
      state.gap(stream, { first: from, last: to - 1, cause: 'rot', atMost: true });
      made += 1;
    }
  }
  return made;
}

function breather({ options }: StoreState): (bytes: number) => Promise<void> | undefined {
  let since = 0;
  return (bytes) => {
    since += bytes;
    if (since < BREATH_BYTES) return undefined;
    since = 0;
    return new Promise((resolve) => void options.deps.setTimer(resolve, BREATH_MS));
  };
}

/** Scrubs each opened database once at most; one that is closed meanwhile costs its scrub. */
export class Scrubber {
  #running: Promise<void> | undefined;
  #scrubbed: LevelDb | undefined;

  constructor(
    readonly state: StoreState,
    readonly releases: Releases,
    readonly onGaps: () => void,
  ) {}

  start(db: LevelDb): void {
    if (this.#running || this.#scrubbed === db) return;
    this.#scrubbed = db;
    this.#running = this.#scrub(db).finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when none runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #scrub(db: LevelDb): Promise<void> {
    try {
      if ((await scrub(this.state, db, this.releases)) > 0) this.onGaps();
    } catch (error) {
      this.state.options.deps.log('warn', `the audit was broken off: ${reasonOf(error)}`);
    }
  }
}
