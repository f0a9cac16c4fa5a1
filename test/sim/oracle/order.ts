import type { DecodedHeader } from '../../../native/types.js';

/** Two rising runs: what is live, and the backlog beside it. */
interface Runs {
  high: number;
  low: number;
}

/** Within one connection, without refusals: each block of a stream once, the oldest first, but for what is live. */
export class SendOrder {
  readonly #streams = new Map<string, Runs>();
  /** Something was refused, and comes again: then nothing is said of the order. */
  isOff = false;

  /** Why a block may not go now. */
  next({ epoch, stream, first }: DecodedHeader): string | undefined {
    if (this.isOff) return undefined;
    const runs = this.#streams.get(`${epoch} ${stream}`);
    if (!runs) {
      this.#streams.set(`${epoch} ${stream}`, { high: first, low: -1 });
      return undefined;
    }
    if (first > runs.high) runs.high = first;
    else if (first > runs.low && first !== runs.high) runs.low = first;
    else return `${stream} ${first} goes after ${runs.high} and ${runs.low} on one connection`;
    return undefined;
  }
}
