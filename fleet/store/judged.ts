import type { Range } from '../ranges.js';
import type { NewRows } from './rows.js';
import type { StreamState } from './stream-state.js';
import type { Incoming, Verdict } from './types.js';

/** What became of one; its rows come once all records of the batch are known. */
export interface Judged {
  readonly incoming: Incoming;
  readonly verdict: Verdict;
  readonly why?: string;
  readonly stream?: StreamState;
  /** Numbers of a block that weren't had. */
  readonly pieces?: readonly Range[];
  /** Of a pack. */
  readonly rows?: NewRows;
}

export function refused(incoming: Incoming, why: string, stream?: StreamState): Judged {
  return { incoming, verdict: 'refused', why, ...(stream ? { stream } : {}) };
}

export function duplicate(incoming: Incoming, stream: StreamState): Judged {
  stream.row.duplicates += 1n;
  stream.touched = true;
  stream.isOdd = true;
  return { incoming, verdict: 'duplicate', stream };
}
