import type { DecodedHeader } from '../../../native/types.js';
import type { Track } from './track.js';

/** A place in the store's order: commit by commit, within one by the numbers. */
interface Place {
  readonly commit: number;
  readonly first: number;
}

/** Where a stream's two runs have come to. */
interface Runs {
  high: Place;
  low: Place;
}

const BEFORE_ALL: Place = { commit: -1, first: -1 };

/**
 * Within one connection, without refusals: each block of a stream once. Two runs rise side by side: what is live, or new, and the backlog.
 * Where the newest goes first, a run begins anew at each waiting for a budget or a link, so only the blocks of one commit have an order.
 */
export class SendOrder {
  readonly #runs = new Map<Track, Runs>();
  /** The last number of each commit. */
  readonly #commits = new Map<Track, Map<number, number>>();
  /** Something was refused, and comes again: then nothing is said of the order. */
  isOff = false;

  /** Why a block may not go now. */
  next(track: Track, { first }: DecodedHeader, backlog: 'oldest' | 'newest'): string | undefined {
    if (this.isOff) return undefined;
    const place = { commit: track.blocks.get(first)?.commit ?? 0, first };
    const after = backlog === 'newest' ? this.#inCommit(track, place) : this.#inRuns(track, place);
    return after && `${track.stream} ${first} goes after ${after} on one connection`;
  }

  #inCommit(track: Track, { commit, first }: Place): string | undefined {
    const lasts = this.#commits.get(track) ?? new Map<number, number>();
    this.#commits.set(track, lasts);
    const last = lasts.get(commit) ?? -1;
    lasts.set(commit, first);
    return first > last ? undefined : `${last}`;
  }

  #inRuns(track: Track, place: Place): string | undefined {
    const runs = this.#runs.get(track) ?? { high: BEFORE_ALL, low: BEFORE_ALL };
    this.#runs.set(track, runs);
    const { high, low } = runs;
    if (isBefore(high, place)) runs.high = place;
    else if (isBefore(low, place)) runs.low = place;
    else return `${high.first} and ${low.first}`;
    return undefined;
  }
}

function isBefore(one: Place, other: Place): boolean {
  return one.commit < other.commit || (one.commit === other.commit && one.first < other.first);
}
