import type { Incoming } from '../store/index.js';
import type { Message, Notice, Refusal } from './types.js';

export type Outcome = { readonly kind: 'held' } | Refusal;

/** Nothing was kept: the sender must keep it, and send it again. */
export class NotHeldError extends Error {
  override readonly name = 'NotHeldError';
}

/** A message under way, and who waits for it: nobody, where it comes from the spool. */
export class Entry {
  isSettled = false;

  constructor(
    readonly message: Message,
    /** As it will be taken. */
    public incoming: readonly Incoming[],
    readonly notice: Notice | undefined,
    /** It goes before all that is none. */
    readonly isAlarm: boolean,
    private readonly onSettled: (outcome: Outcome) => void = () => undefined,
    private readonly onFailed: (error: Error) => void = () => undefined,
  ) {}

  settle(outcome: Outcome): void {
    this.isSettled = true;
    this.onSettled(outcome);
  }

  fail(error: Error): void {
    this.isSettled = true;
    this.onFailed(error);
  }
}
