import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

/** How long the broker keeps what comes while we are away. */
const SESSION_EXPIRY_S = 30 * 24 * 3600;
/** A connection whose other end is gone without a word is given up after one and a half of these. */
const KEEPALIVE_S = 10;
/** Somebody may mend the broker's list meanwhile. */
const RESUBSCRIBE_MS = 10_000;
/** How long a goodbye may take. */
const GOODBYE_MS = 1_000;

export interface LinkOptions {
  /** mqtt:// or mqtts:// */
  readonly url: string;
  /** Stable: the broker keeps the session under this name. */
  readonly clientId: string;
  readonly protocol?: 'auto' | '5' | '3.1.1';
  readonly username?: string;
  readonly password?: string;
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
  readonly onState?: (state: 'connected' | 'closed', text: string) => void;
}

export interface LinkParts {
  readonly filters: readonly string[];
  /** Messages that the broker may send before they are acknowledged (MQTT 5). */
  readonly receiveMaximum: number;
  /** A message is acknowledged once this resolves, in the order they came; where it rejects, the link ends and nothing further is. */
  readonly handle: (topic: string, payload: Buffer) => Promise<void>;
  readonly onSubscribed: () => void;
  readonly onFailed: (error: Error) => void;
}

/** One client of a broker on a persistent session with QoS 1, MQTT 5 or, where that is refused, 3.1.1; connects again by itself. */
export class MqttLink {
  #client: MqttClient | undefined;
  #isStopped = false;
  /** The newest answer to something published. */
  #isRefused = false;
  /** PUBACKs go out in the order of their messages (MQTT 5, 4.6). */
  #acknowledging: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: LinkOptions,
    private readonly parts: LinkParts,
  ) {
    this.#connect(options.protocol === '3.1.1' ? 4 : 5);
  }

  /** QoS 1, and never into MQTT.js's queue, which is unbounded. False: there is no connection. */
  publish(topic: string, payload: Uint8Array): boolean {
    const client = this.#client;
    if (!client?.connected) return false;
    client.publish(topic, Buffer.from(payload), { qos: 1 }, (error) => this.#published(topic, error));
    return true;
  }

  /** What was refused (an access list, a quota) is said until anything is taken again. */
  #published(topic: string, error: Error | undefined): void {
    if (error) this.#say('closed', `${topic} was not taken: ${error.message}`);
    else if (this.#isRefused) this.#say('connected', `${topic} is taken again`);
    // What a broken connection took along is no refusal.
    this.#isRefused = error !== undefined && this.#client?.connected === true;
  }

  /** Resolves when the broker has answered; rejects where the connection ends before, or there is none. */
  ping(): Promise<void> {
    const client = this.#client;
    if (!client?.connected) return Promise.reject(new Error('there is no connection'));
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        client.off('packetreceive', heard).off('close', gone);
        settle();
      };
      const heard = ({ cmd }: { readonly cmd: string }) => cmd === 'pingresp' && end(resolve);
      const gone = () => end(() => reject(new Error('the connection is closed')));
      client.on('packetreceive', heard).on('close', gone).sendPing();
    });
  }

  async subscribe(filter: string): Promise<void> {
    await this.#client?.subscribeAsync(filter, { qos: 1 });
  }

  async unsubscribe(filter: string): Promise<void> {
    await this.#client?.unsubscribeAsync(filter);
  }

  /** Resolves when all that came is acknowledged, or never will be, and the client is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#acknowledging.catch(() => undefined);
    // A half-open link never closes by itself, and MQTT.js waits for answers that a closed one can't bring.
    const late = new AbortController();
    await Promise.race([
      this.#client?.endAsync(),
      sleep(GOODBYE_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    this.#client?.stream.destroy();
  }

  #say(state: 'connected' | 'closed', text: string): void {
    this.options.onState?.(state, text);
  }

  #connect(protocolVersion: 4 | 5): void {
    const client = connect(this.options.url, this.#clientOptions(protocolVersion));
    this.#client = client;
    client.handleMessage = (packet, done) => {
      if (packet.cmd !== 'publish') return done();
      this.#handle(client, packet.topic, packet.payload as Buffer, packet.messageId);
      // An error keeps MQTT.js from acknowledging at once and from holding back all that follows.
      done(packet.qos === 0 ? undefined : new Error('acknowledged once it is held'));
    };
    client.on('connect', () => {
      (client.stream as Socket).setNoDelay(true);
      this.#subscribe(client);
    });
    client.on('close', () => this.#say('closed', 'the connection is closed'));
    client.on('error', (error) => this.#onError(client, protocolVersion, error));
  }

  #handle(client: MqttClient, topic: string, payload: Buffer, messageId: number | undefined): void {
    const { stream } = client;
    const handled = this.parts.handle(topic, payload);
    const before = this.#acknowledging;
    const acknowledged = Promise.all([before, handled]).then(() => {
      // On another connection the number would be another message's.
      if (messageId !== undefined && client.stream === stream && client.connected)
        stream.write(puback(messageId));
    });
    acknowledged.catch((error: Error) => this.#fail(error));
    this.#acknowledging = acknowledged;
  }

  /** Going on would acknowledge what isn't held. */
  #fail(error: Error): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#client?.end(true);
    this.parts.onFailed(error);
  }

  #clientOptions(protocolVersion: 4 | 5): IClientOptions {
    const { clientId, username, password, ca, certificate, key } = this.options;
    const { receiveMaximum } = this.parts;
    const properties = { sessionExpiryInterval: SESSION_EXPIRY_S, receiveMaximum };
    return {
      clientId,
      protocolVersion,
      clean: false,
      keepalive: KEEPALIVE_S,
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
    client.subscribe([...this.parts.filters], { qos: 1 }, (error) => {
      if (error) {
        this.#say(
          'closed',
          `the subscription was refused: ${error.message}; asked again in ${RESUBSCRIBE_MS / 1_000} s`,
        );
        setTimeout(
          () => client.connected && !this.#isStopped && this.#subscribe(client),
          RESUBSCRIBE_MS,
        ).unref();
        return;
      }
      this.#say('connected', `subscribed, MQTT ${client.options.protocolVersion}`);
      this.parts.onSubscribed();
    });
  }

  #onError(client: MqttClient, protocolVersion: 4 | 5, error: Error): void {
    const code: unknown = (error as { code?: unknown }).code;
    const isRefused = code === 1 || code === 0x84;
    if (isRefused && protocolVersion === 5 && this.options.protocol !== '5') {
      client.end(true);
      if (!this.#isStopped) this.#connect(4);
    } else this.#say('closed', error.message);
  }
}

/** Success, in 3.1.1 and 5 alike: the packet's type, its length, the number of the message. */
function puback(messageId: number): Buffer {
  return Buffer.of(0x40, 2, messageId >> 8, messageId & 0xff);
}
