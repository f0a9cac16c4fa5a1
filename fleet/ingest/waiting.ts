import type { Incoming } from '../store/index.js';
import type { Entry } from './entry.js';

/** What waits to be taken, the oldest first; past its bounds nothing is acknowledged. */
export class Waiting {
  readonly #entries: Entry[] = [];
  #bytes = 0;

  constructor(
    private readonly maxMessages: number,
    private readonly maxBytes: number,
  ) {}

  get length(): number {
    return this.#entries.length;
  }

  /** False: there is no room. */
  push(entry: Entry): boolean {
    const bytes = this.#bytes + bytesOf(entry);
    if (this.#entries.length >= this.maxMessages || bytes > this.maxBytes) return false;
    this.#entries.push(entry);
    this.#bytes = bytes;
    return true;
  }

  take(most: number): readonly Entry[] {
    const taken = this.#entries.splice(0, most);
    for (const entry of taken) this.#bytes -= bytesOf(entry);
    return taken;
  }
}

/** Of memory, more or less: a block of 4096 equal rows has some hundred bytes when it comes, and 2 MB once it is decoded. */
function bytesOf({ message, incoming }: Entry): number {
  return incoming.reduce((sum, one) => sum + decodedBytes(one), message.payload.length);
}

function decodedBytes(one: Incoming): number {
  if (one.kind === 'pack') return one.values.byteLength;
  const { timesNs, values, quality } = one.rows;
  return timesNs.byteLength + values.byteLength + quality.byteLength;
}
