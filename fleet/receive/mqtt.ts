import type { Socket } from 'node:net';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { blockFilters, NOTICE_FILTER } from '../../wire/index.js';
import { Journal } from './journal.js';
import { type ReceiptKey, Receipts } from './receipts.js';
import { createReceiver, heldBy, type Receiver, type TakeResult } from './receiver.js';

/** How long the broker keeps what comes while we are away. */
const SESSION_EXPIRY_S = 30 * 24 * 3600;
/** Messages that the broker may send before we have answered. */
const RECEIVE_MAXIMUM = 100;
/** How long a goodbye may take. */
const GOODBYE_MS = 1_000;

export interface ReceiveOptions {
  /** mqtt:// or mqtts:// */
  readonly url: string;
  /** Stable: the broker keeps the session under this name. */
  readonly clientId: string;
  /** Absent: the ledger lives in memory. */
  readonly ledgerFile?: string;
  /** Signs receipts for what is held for good (custody `fleet`). Wants a ledger file: memory holds nothing for good. */
  readonly receiptKey?: ReceiptKey;
  readonly protocol?: 'auto' | '5' | '3.1.1';
  readonly username?: string;
  readonly password?: string;
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  /** Each message, before it is acknowledged: what this resolves from is held for good. */
  readonly onResult?: (result: TakeResult, topic: string) => void | Promise<void>;
  readonly onState?: (state: 'connected' | 'closed', text: string) => void;
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
  #client: MqttClient | undefined;
  /** One message after the other, over reconnects too: a double must not overtake the sync of its first. */
  #taking: Promise<void> = Promise.resolve();
  #stopped = false;

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
    return new Receipts({ key, firstIssue: Date.now(), publish: (...message) => this.#publish(...message) });
  }

  /** Never into MQTT.js's queue, which is unbounded: what is lost on the way costs a resend. */
  #publish(topic: string, payload: Uint8Array): boolean {
    const client = this.#client;
    if (!client?.connected) return false;
    client.publish(topic, Buffer.from(payload), { qos: 1 }, (error) => {
      if (error) this.options.onState?.('closed', `a receipt was not taken: ${error.message}`);
    });
    return true;
  }

  async start(): Promise<void> {
    if (this.#journal) this.receiver.restore(await this.#journal.open());
    this.#connect(this.options.protocol === '3.1.1' ? 4 : 5);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#taking.catch(() => undefined);
    this.#receipts?.flush();
    // A half-open link never closes by itself.
    const force = setTimeout(() => this.#client?.stream.destroy(), GOODBYE_MS);
    await this.#client?.endAsync();
    clearTimeout(force);
    await this.#journal?.close();
  }

  #connect(protocolVersion: 4 | 5): void {
    const client = connect(this.options.url, this.#clientOptions(protocolVersion));
    this.#client = client;
    client.handleMessage = (packet, done) => {
      if (packet.cmd !== 'publish') done();
      else {
        const taken = this.#taking.then(() => this.#take(packet.topic, packet.payload as Buffer));
        this.#taking = taken;
        taken.then(
          () => done(),
          (error: Error) => this.#fail(error),
        );
      }
    };
    client.on('connect', () => {
      (client.stream as Socket).setNoDelay(true);
      this.#subscribe(client);
    });
    client.on('close', () => this.options.onState?.('closed', 'the connection is closed'));
    client.on('error', (error) => this.#onError(client, protocolVersion, error));
  }

  #clientOptions(protocolVersion: 4 | 5): IClientOptions {
    const { clientId, username, password, ca, certificate, key } = this.options;
    const properties = { sessionExpiryInterval: SESSION_EXPIRY_S, receiveMaximum: RECEIVE_MAXIMUM };
    return {
      clientId,
      protocolVersion,
      clean: false,
      resubscribe: false,
      reconnectPeriod: 1_000,
      // A refused CONNECT (a broker that is starting, full, or mends its list) is tried again too.
      reconnectOnConnackError: true,
      rejectUnauthorized: true,
      ...(protocolVersion === 5 ? { properties } : {}),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca ? { ca } : {}),
      ...(certificate && key ? { cert: certificate, key } : {}),
    };
  }

  #subscribe(client: MqttClient): void {
    client.subscribe([...blockFilters(), NOTICE_FILTER], { qos: 1 }, (error) => {
      if (error) {
        this.options.onState?.('closed', `the subscription was refused: ${error.message}`);
        return;
      }
      this.options.onState?.('connected', `subscribed, MQTT ${client.options.protocolVersion}`);
      this.#resolveSubscribed();
      this.#receipts?.flush();
    });
  }

  #onError(client: MqttClient, protocolVersion: 4 | 5, error: Error): void {
    const code: unknown = (error as { code?: unknown }).code;
    const refused = code === 1 || code === 0x84;
    if (refused && protocolVersion === 5 && this.options.protocol !== '5') {
      client.end(true);
      if (!this.#stopped) this.#connect(4);
    } else this.options.onState?.('closed', error.message);
  }

  async #take(topic: string, payload: Buffer): Promise<void> {
    const result = this.receiver.take(topic, payload);
    await this.options.onResult?.(result, topic);
    await this.#journal?.append(result.facts);
    const held = heldBy(result);
    if (held) this.#receipts?.held(held);
    if (this.#journal?.isLong) await this.#journal.rewrite(this.receiver.facts());
  }

  /** Going on would acknowledge as a duplicate what was never written. */
  #fail(error: Error): void {
    this.#stopped = true;
    this.#client?.end(true);
    this.#rejectFailed(error);
  }
}
