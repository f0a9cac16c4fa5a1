/** What is told. */
export interface Message {
  /** The same at each attempt. */
  readonly id: string;
  /** An address or a number, without `mail:` or `sms:`. */
  readonly to: string;
  readonly subject: string;
  /** For reading at length. */
  readonly text: string;
  /** For 160 characters or a few times that. */
  readonly short: string;
  readonly isUrgent: boolean;
}

export const SCHEMES = ['mail', 'sms'] as const;

/** The other side will never take it: to try again would be the same. */
export class UndeliverableError extends Error {
  override readonly name = 'UndeliverableError';
}

/** A way to people. */
export interface Transport {
  /** Of the targets that begin so. */
  readonly scheme: (typeof SCHEMES)[number];
  /** Resolves when the other side has taken it on itself. Rejects with UndeliverableError where it never will. */
  send(message: Message): Promise<void>;
  /** Tells `told` each time the other side is there again, and when it is first seen to be. */
  onBack?(told: () => void): void;
  close?(): Promise<void>;
}

export interface ProbedTransport extends Transport {
  /** Whether the other side is there and would take a message, as far as that can be asked without sending one; within 60 s. Rejects with why not. */
  probe(): Promise<void>;
}
