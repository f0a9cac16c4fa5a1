import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { UplinkConfig } from '../config/types.js';
import { errorFailure, failure, type LinkFailure, reasonFailure } from './failure.js';
import {
  INBOUND_MAX_BYTES,
  type MqttConnect,
  type MqttConnectOptions,
  type MqttEvents,
  type MqttLink,
  type MqttMessage,
  type ServerLimits,
} from './mqtt-port.js';

// By require: importing CommonJS costs memory, see log.ts.
const { connect, UniqueMessageIdProvider }: typeof import('mqtt') = createRequire(import.meta.url)('mqtt');

const MAX_RECEIVE = 65_535;
/** MQTT's own bound: four bytes of remaining length (§2.1.4). */
const MAX_PACKET_BYTES = 268_435_455;
/** How long a goodbye may take. */
const GOODBYE_MS = 1_000;
/** The caller's deadline comes first; this is only so that none is forgotten. */
const CONNECT_TIMEOUT_MS = 120_000;

/** MQTT.js as a port. Files are read anew at each try, so that a renewed certificate is used. */
export function mqttJs(config: UplinkConfig): MqttConnect {
  const known: KnownAddress = { address: undefined, useIt: false };
  return (options, events) => {
    try {
      return new MqttJsLink(clientOptions(config, options, known), options.subscribe ?? [], events, known);
    } catch (error) {
      return stillborn(failure('credentials', (error as Error).message), events);
    }
  };
}

/** Where the broker was last reached: used when its name can't be resolved. */
interface KnownAddress {
  address: string | undefined;
  useIt: boolean;
}

type TlsClientOptions = IClientOptions & { minVersion?: 'TLSv1.2' };

function clientOptions(
  config: UplinkConfig,
  options: MqttConnectOptions,
  known: KnownAddress,
): TlsClientOptions {
  const url = new URL(config.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'mqtts:';
  return {
    protocol: secure ? 'mqtts' : 'mqtt',
    host: known.useIt && known.address ? known.address : host,
    port: url.port ? Number(url.port) : secure ? 8883 : 1883,
    protocolVersion: options.protocol,
    clientId: options.clientId,
    clean: true,
    keepalive: config.keepAliveS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    messageIdProvider: new UniqueMessageIdProvider(),
    // MQTT.js would keep a buffer for each of the 65,536 packet ids: 10 MB for good.
    writeCache: false,
    ...(options.protocol === 5 ? { properties: { maximumPacketSize: INBOUND_MAX_BYTES } } : {}),
    will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1 },
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password ? { password: secret(config.password.file) } : {}),
    ...(secure ? tlsOptions(config, host) : {}),
  };
}

/** Verification is always on: there is no switch. */
function tlsOptions(config: UplinkConfig, host: string): TlsClientOptions {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(config.ca ? { ca: readFileSync(config.ca) } : {}),
    ...(config.certificate ? { cert: readFileSync(config.certificate) } : {}),
    ...(config.key ? { key: readFileSync(config.key.file) } : {}),
  };
}

function secret(file: string): string {
  return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
}

/** A link that could not even be tried. */
function stillborn(why: LinkFailure, events: MqttEvents): MqttLink {
  setImmediate(() => events.down(why));
  return {
    publish: () => {
      throw new Error('publish on a link that never was');
    },
    destroy: () => undefined,
    end: () => Promise.resolve(),
  };
}

interface ConnackLimits {
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
}

class MqttJsLink implements MqttLink {
  readonly #client: MqttClient;
  readonly #unanswered = new Set<number>();
  #connected = false;
  #failure: LinkFailure | undefined;
  #isDown = false;
  readonly #whenDown: (() => void)[] = [];

  constructor(
    options: IClientOptions,
    private readonly topics: readonly string[],
    private readonly events: MqttEvents,
    private readonly known: KnownAddress,
  ) {
    this.#client = connect(options);
    this.#listen();
  }

  publish(message: MqttMessage): number {
    const { payload, topic, retain } = message;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    // Answers are taken from the packets: the callback doesn't show reason 0x10. It shows what never left, and that ends the link.
    this.#client.publish(topic, bytes, { qos: 1, retain }, (error) => {
      const code: unknown = (error as { code?: unknown } | undefined)?.code;
      if (error && typeof code !== 'number') this.destroy(errorFailure(error, true));
    });
    const id = this.#client.getLastMessageId();
    this.#unanswered.add(id);
    return id;
  }

  destroy(why: LinkFailure): void {
    this.#failure ??= why;
    this.#client.stream.destroy();
    this.#client.end(true);
  }

  end(): Promise<void> {
    if (this.#isDown) return Promise.resolve();
    this.#failure ??= failure('closed', 'we said goodbye');
    return new Promise((resolve) => {
      this.#whenDown.push(resolve);
      if (this.#connected) this.#client.end(false);
      else this.#client.stream.destroy();
      // A half-open link never closes by itself, and MQTT.js waits for every answer first.
      setTimeout(() => this.#client.stream.destroy(), GOODBYE_MS).unref();
    });
  }

  #listen(): void {
    const client = this.#client;
    client.on('connect', (connack) => this.#onConnect(connack.properties));
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'puback') this.#onPuback(packet.messageId ?? 0, packet.reasonCode ?? 0);
    });
    client.on('message', (topic, payload) => this.events.message(topic, payload));
    client.on('disconnect', (packet) => {
      this.destroy(reasonFailure(packet.reasonCode ?? 0, 'the broker ended the connection'));
    });
    client.on('error', (error) => this.destroy(errorFailure(error, this.#connected)));
    client.on('close', () => this.#onClose());
  }

  #onConnect(server: ConnackLimits | undefined): void {
    this.#connected = true;
    const socket = this.#client.stream as Socket;
    // Nagle's wait for an acknowledgement would cost 20 to 40 ms a window: the next publish carries it.
    socket.setNoDelay(true);
    this.known.address = socket.remoteAddress ?? this.known.address;
    this.known.useIt = false;
    const limits = {
      receiveMaximum: server?.receiveMaximum ?? MAX_RECEIVE,
      maximumPacketBytes: server?.maximumPacketSize ?? MAX_PACKET_BYTES,
    };
    if (this.topics.length === 0) this.events.connected(limits);
    else this.#subscribe(limits);
  }

  #subscribe(limits: ServerLimits): void {
    this.#client.subscribe([...this.topics], { qos: 1 }, (error) => {
      if (!error) return this.events.connected(limits);
      const { packet } = error as { packet?: { granted?: readonly unknown[] } };
      const refusedWith = packet?.granted?.find((code) => typeof code === 'number' && code >= 0x80);
      // Any other failure is the link's own, and ends it.
      if (typeof refusedWith === 'number')
        this.events.connected({ ...limits, subscriptionRefusedWith: refusedWith });
      else this.destroy(errorFailure(error, true));
    });
  }

  #onPuback(id: number, reasonCode: number): void {
    if (this.#unanswered.delete(id)) this.events.answered(id, reasonCode);
    else this.events.strayAnswer();
  }

  #onClose(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    const why = this.#failure ?? failure('closed', 'the connection was closed without a word');
    this.known.useIt = why.kind === 'dns' && !this.known.useIt;
    this.events.down(why);
    for (const resolve of this.#whenDown) resolve();
  }
}
