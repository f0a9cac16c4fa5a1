import { blockFilters, NOTICE_FILTER } from '../../wire/index.js';
import { Journal } from './journal.js';
import { type LinkOptions, MqttLink } from './link.js';
import { type ReceiptKey, Receipts } from './receipts.js';
import { createReceiver, heldBy, type Receiver, type TakeResult } from './receiver.js';

/** Messages that the broker may send before we have answered. */
const RECEIVE_MAXIMUM = 100;

export interface ReceiveOptions extends LinkOptions {
  /** Absent: the ledger lives in memory. */
  readonly ledgerFile?: string;
  /** Signs receipts for what is held for good (custody `fleet`). Wants a ledger file: memory holds nothing for good. */
  readonly receiptKey?: ReceiptKey;
  /** Each message, before it is acknowledged: what this resolves from is held for good. */
  readonly onResult?: (result: TakeResult, topic: string) => void | Promise<void>;
}

export interface RunningReceiver {
  readonly receiver: Receiver;
  /** Resolves with the first SUBACK. */
  readonly subscribed: Promise<void>;
  /** Rejects when messages can no longer be kept (disk full, a sink that fails): nothing is acknowledged from then on. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/**
 * Subscribes on a persistent session with QoS 1. A message is acknowledged after `onResult` and after the ledger's line is synced, so a
 * receiver that is killed at any moment loses nothing; what it gets twice, it drops by identity.
 */
export async function startReceiver(options: ReceiveOptions): Promise<RunningReceiver> {
  const running = new MqttReceiver(options);
  await running.start();
  return running;
}

class MqttReceiver implements RunningReceiver {
  readonly receiver = createReceiver();
  readonly subscribed: Promise<void>;
  readonly failed: Promise<never>;
  #resolveSubscribed: () => void = () => undefined;
  #rejectFailed: (error: Error) => void = () => undefined;
  readonly #journal: Journal | undefined;
  readonly #receipts: Receipts | undefined;
  #link: MqttLink | undefined;
  /** One message after the other, over reconnects too: a double must not overtake the sync of its first. */
  #taking: Promise<void> = Promise.resolve();

  constructor(private readonly options: ReceiveOptions) {
    this.#journal = options.ledgerFile === undefined ? undefined : new Journal(options.ledgerFile);
    this.#receipts = options.receiptKey && this.#signer(options.receiptKey);
    this.subscribed = new Promise((resolve) => {
      this.#resolveSubscribed = resolve;
    });
    this.failed = new Promise((_, reject) => {
      this.#rejectFailed = reject;
    });
    // Whoever doesn't watch it must not be ended by it.
    this.failed.catch((error: Error) => this.options.onState?.('closed', error.message));
  }

  #signer(key: ReceiptKey): Receipts {
    if (!this.#journal)
      throw new Error('receipts want a ledger file: what is in memory only is not held for good');
    // What is lost on the way costs a resend.
    const publish = (topic: string, payload: Uint8Array) => this.#link?.publish(topic, payload) ?? false;
    return new Receipts({ key, firstIssue: Date.now(), publish });
  }

  async start(): Promise<void> {
    if (this.#journal) this.receiver.restore(await this.#journal.open());
    this.#link = new MqttLink(this.options, {
      filters: [...blockFilters(), NOTICE_FILTER],
      receiveMaximum: RECEIVE_MAXIMUM,
      handle: (topic, payload) => {
        this.#taking = this.#taking.then(() => this.#take(topic, payload));
        return this.#taking;
      },
      onSubscribed: () => {
        this.#resolveSubscribed();
        this.#receipts?.flush();
      },
      // Going on would acknowledge as a duplicate what was never written.
      onFailed: (error) => this.#rejectFailed(error),
    });
  }

  async stop(): Promise<void> {
    await this.#taking.catch(() => undefined);
    this.#receipts?.flush();
    await this.#link?.stop();
    await this.#journal?.close();
  }

  async #take(topic: string, payload: Buffer): Promise<void> {
    const result = this.receiver.take(topic, payload);
    await this.options.onResult?.(result, topic);
    await this.#journal?.append(result.facts);
    const held = heldBy(result);
    if (held) this.#receipts?.held(held);
    if (this.#journal?.isLong) await this.#journal.rewrite(this.receiver.facts());
  }
}
