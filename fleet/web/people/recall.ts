import type { Caller } from '../../people/index.js';
import { isAway } from '../away.js';

const MAX_CALLERS = 1_000;
const RECALL_MS = 3_600_000;

/** Who was let in lately: while the database is down they still may look at what the fleet remembers. */
export class Recall {
  readonly #nowMs: () => number;
  readonly #callers = new Map<string, { readonly caller: Caller; readonly atMs: number }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** What `find` says of the token, or what it last said where the database can't be reached. */
  async find(
    token: string,
    find: (token: string) => Promise<Caller | undefined>,
  ): Promise<Caller | undefined> {
    try {
      const caller = await find(token);
      this.#keep(token, caller);
      return caller;
    } catch (error) {
      const known = this.#callers.get(token);
      if (isAway(error) && known && this.#nowMs() - known.atMs < RECALL_MS) return known.caller;
      throw error;
    }
  }

  #keep(token: string, caller: Caller | undefined): void {
    this.#callers.delete(token);
    if (!caller) return;
    this.#callers.set(token, { caller, atMs: this.#nowMs() });
    if (this.#callers.size > MAX_CALLERS) this.#callers.delete(this.#callers.keys().next().value as string);
  }
}
