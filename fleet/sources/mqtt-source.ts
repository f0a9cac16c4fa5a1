import { randomBytes } from 'node:crypto';
import { blockFilters, NOTICE_FILTER } from '../../wire/index.js';
import { type LinkOptions, MqttLink } from '../receive/index.js';
import type { Source, Take } from './types.js';

const RECEIVE_MAXIMUM = 512;
const FIRST_RETRY_MS = 1_000;
/** One client a fleet makes no herd, and an alarm may wait behind it. */
const MAX_RETRY_MS = 5_000;
const PROBE_MS = 3_000;
/** A broker that only was slow is found well by the next probe. */
const PROBE_AGAIN_MS = 5_000;
/** Retained, so shared by nobody: each process hears all of them. */
const STATUS_FILTER = 'cairn/1/+/status';
const FILTERS = [...blockFilters(), NOTICE_FILTER, 'cairn/1/+/senml/+/+', 'senml/+'];

export interface MqttSourceOptions extends LinkOptions {
  readonly take: Take;
  /** Several processes share what comes as `$share/<name>/…`; each has a client id of its own. */
  readonly share?: string;
  /** After each connect: receipts that waited may go. */
  readonly onConnected?: () => void;
}

export interface MqttSource extends Source {
  /** Resolves with the first subscription; rejects where the broker doesn't do what its SUBACK says. */
  readonly ready: Promise<void>;
  /** Resolves when the broker has answered; rejects where the connection ends before, or there is none. */
  ping(): Promise<void>;
}

/**
 * An outside broker. A message is acknowledged once `take` resolved; where it rejects, nothing further is, the link ends, and the broker keeps all
 * until it is tried again.
 */
export function mqttSource(options: MqttSourceOptions): MqttSource {
  return new OutsideBroker(options);
}

class OutsideBroker implements MqttSource {
  readonly ready: Promise<void>;
  #resolveReady: () => void = () => undefined;
  #rejectReady: (error: Error) => void = () => undefined;
  #link: MqttLink;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #isClosed = false;
  readonly #probeTopic = `cairn/1/probe-${randomBytes(8).toString('hex')}/receipt`;
  #onProbe: (() => void) | undefined;
  #isProbed: boolean;
  #probeAgain: NodeJS.Timeout | undefined;

  constructor(private readonly options: MqttSourceOptions) {
    this.#isProbed = options.share === undefined;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // Told by #subscribed too, each time.
    this.ready.catch(() => undefined);
    this.#link = this.#open();
  }

  #open(): MqttLink {
    const { share } = this.options;
    const prefix = share === undefined ? '' : `$share/${share}/`;
    return new MqttLink(this.options, {
      filters: [...FILTERS.map((filter) => prefix + filter), STATUS_FILTER],
      receiveMaximum: RECEIVE_MAXIMUM,
      handle: (topic, payload) => this.#handle(topic, payload),
      onSubscribed: () => void this.#subscribed(),
      onFailed: (error) => this.#failed(error),
    });
  }

  async #handle(topic: string, payload: Buffer): Promise<void> {
    if (topic === this.#probeTopic) {
      this.#onProbe?.();
      return;
    }
    await this.options.take(topic, payload);
    this.#retryMs = FIRST_RETRY_MS;
  }

  async #subscribed(): Promise<void> {
    clearTimeout(this.#probeAgain);
    try {
      if (!this.#isProbed) await this.#probe();
    } catch (error) {
      // Another probe, of a later connection, may have been answered meanwhile.
      if (!this.#isProbed && !this.#isClosed) this.#failedProbe(error as Error);
      return;
    }
    if (!this.#isProbed) this.options.onState?.('connected', 'shared subscriptions deliver');
    this.#isProbed = true;
    this.#resolveReady();
    this.options.onConnected?.();
  }

  #failedProbe(error: Error): void {
    this.#rejectReady(error);
    this.options.onState?.('closed', error.message);
    this.#probeAgain = setTimeout(() => void this.#subscribed(), PROBE_AGAIN_MS);
  }

  /** Some brokers grant a shared subscription as if it were a plain one, and then deliver nothing: only a message tells. */
  async #probe(): Promise<void> {
    const filter = `$share/${this.options.share}-probe/${this.#probeTopic}`;
    let timer: NodeJS.Timeout | undefined;
    const came = new Promise<boolean>((resolve) => {
      this.#onProbe = () => resolve(true);
      timer = setTimeout(() => resolve(false), PROBE_MS);
    });
    await this.#link.subscribe(filter);
    this.#link.publish(this.#probeTopic, Buffer.from('probe'));
    const isDelivered = await came;
    clearTimeout(timer);
    await this.#link.unsubscribe(filter);
    if (!isDelivered)
      throw new Error(
        `${new URL(this.options.url).host}: the broker grants shared subscriptions and delivers nothing to them: its access list lets this user ` +
          'not write cairn/1/+/receipt, or it has none: then run one process without `shared`, or another broker (mosquitto 2, MQTT 5)',
      );
  }

  #failed(error: Error): void {
    this.options.onState?.('closed', `${error.message}; tried again in ${this.#retryMs / 1000} s`);
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#link = this.#open();
    }, this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  ping(): Promise<void> {
    return this.#link.ping();
  }

  publish(topic: string, payload: Uint8Array): boolean {
    return this.#link.publish(topic, payload);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#probeAgain);
    await this.#link.stop();
  }
}
