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

/** A way to people. */
export interface Transport {
  /** Of the targets that begin so. */
  readonly scheme: 'mail' | 'sms';
  /** Resolves when the other side has taken it on itself; within 60 s, or it rejects. */
  send(message: Message): Promise<void>;
  close?(): Promise<void>;
}

export interface ProbedTransport extends Transport {
  /** Whether the other side is there and would take a message, as far as that can be asked without sending one; within 60 s. Rejects with why not. */
  probe(): Promise<void>;
}
