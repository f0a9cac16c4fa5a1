import type { DecodedHeader } from '../../../native/types.js';
import type { Track } from './track.js';

/** A place in the store's order: commit by commit, within one by the numbers. */
interface Place {
  readonly commit: number;
  readonly first: number;
}

/** Where a stream's runs have come to. */
interface Runs {
  high: Place;
  low: Place;
}

const BEFORE_ALL: Place = { commit: -1, first: -1 };

/**
 * Within one connection, without refusals: each block of a stream once. Two runs go side by side: what is live, or new, rises; the backlog
 * rises beside it, or, where the newest goes first, falls commit by commit.
 */
export class SendOrder {
  readonly #streams = new Map<Track, Runs>();
  /** Something was refused, and comes again: then nothing is said of the order. */
  isOff = false;

  /** Why a block may not go now. */
  next(track: Track, { first }: DecodedHeader, backlog: 'oldest' | 'newest'): string | undefined {
    if (this.isOff) return undefined;
    const place = { commit: track.blocks.get(first)?.commit ?? 0, first };
    const runs = this.#streams.get(track);
    if (!runs) {
      this.#streams.set(track, { high: place, low: backlog === 'newest' ? place : BEFORE_ALL });
      return undefined;
    }
    const { high, low } = runs;
    if (isBefore(high, place)) runs.high = place;
    else if (backlog === 'newest' ? isFalling(low, place) : isBefore(low, place)) runs.low = place;
    else return `${track.stream} ${first} goes after ${high.first} and ${low.first} on one connection`;
    return undefined;
  }
}

function isBefore(one: Place, other: Place): boolean {
  return one.commit < other.commit || (one.commit === other.commit && one.first < other.first);
}

function isFalling(low: Place, { commit, first }: Place): boolean {
  return commit < low.commit || (commit === low.commit && first > low.first);
}
