import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { MqttClient as Client, IClientOptions } from 'mqtt';
import type { RuntimeClock } from '../clock/types.js';
import type { UplinkConfig } from '../config/types.js';
import { errorFailure, failure, type LinkFailure, reasonFailure } from './failure.js';
import { Heartbeat } from './heartbeat.js';
import {
  INBOUND_MAX_BYTES,
  type MqttConnect,
  type MqttConnectOptions,
  type MqttEvents,
  type MqttLink,
  type MqttMessage,
  type ServerLimits,
  type Traffic,
} from './mqtt-port.js';
import { Publisher } from './publisher.js';
import { Resolver } from './resolver.js';
import { type OpenedSocket, openSocket, readyEvent } from './socket.js';
import { Splitter } from './splitter.js';

// By require: importing CommonJS costs memory, see log.ts.
export const { MqttClient, UniqueMessageIdProvider }: typeof import('mqtt') = createRequire(import.meta.url)(
  'mqtt',
);

const MAX_RECEIVE = 65_535;
/** MQTT's own bound: four bytes of remaining length (§2.1.4). */
const MAX_PACKET_BYTES = 268_435_455;
/** How long a goodbye may take. */
const GOODBYE_MS = 1_000;
/** The caller's deadline comes first; this is only so that none is forgotten. */
const CONNECT_TIMEOUT_MS = 120_000;

/** MQTT.js as a port. */
export function mqttJs(
  config: UplinkConfig,
  clock: RuntimeClock,
  resolver = new Resolver(clock),
): MqttConnect {
  return (options, events) => {
    try {
      const session = sessionOptions(config, options);
      return new MqttJsLink(openSocket(config, resolver), readyEvent(config), {
        ...{ clock, session, events, resolver, topics: options.subscribe ?? [] },
      });
    } catch (error) {
      return stillborn(failure('credentials', (error as Error).message), events);
    }
  };
}

/** Reads the password's file anew; one that can't be read throws. */
export function sessionOptions(
  config: UplinkConfig,
  options: Pick<MqttConnectOptions, 'protocol' | 'clientId'> & Partial<MqttConnectOptions>,
): SessionOptions {
  const { will } = options;
  return {
    protocolId: 'MQTT',
    protocolVersion: options.protocol,
    clientId: options.clientId,
    clean: true,
    keepalive: config.keepAliveS,
    // We ping ourselves: MQTT.js would take a ping that waits behind a large block on a slow link for a dead one.
    timerVariant: { set: () => 0, clear: () => undefined },
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    queueQoSZero: false,
    resubscribe: false,
    messageIdProvider: new UniqueMessageIdProvider(),
    // MQTT.js would keep a buffer for each of the 65,536 packet ids: 10 MB for good.
    writeCache: false,
    ...(options.protocol === 5 ? { properties: { maximumPacketSize: INBOUND_MAX_BYTES } } : {}),
    ...(will ? { will: { ...will, payload: Buffer.from(will.payload), qos: 1 } } : {}),
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password ? { password: secret(config.password.file) } : {}),
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

type SessionOptions = IClientOptions & { readonly keepalive: number; readonly protocolVersion: 4 | 5 };

interface ConnackLimits {
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly serverKeepAlive?: number;
}

interface Around {
  readonly clock: RuntimeClock;
  readonly session: SessionOptions;
  readonly topics: readonly string[];
  readonly events: MqttEvents;
  readonly resolver: Resolver;
}

/** First a socket, then MQTT on it: what is said to a broker, a password above all, is said only once TLS knows who listens. */
class MqttJsLink implements MqttLink {
  #client: Client | undefined;
  #heartbeat: Heartbeat | undefined;
  readonly #publisher: Publisher;
  #connected = false;
  #failure: LinkFailure | undefined;
  #isDown = false;
  readonly #whenDown: (() => void)[] = [];
  private readonly socket: Socket;
  readonly #tcp: Socket;
  #localAddress: string | undefined;

  constructor(
    { socket, tcp }: OpenedSocket,
    ready: ReturnType<typeof readyEvent>,
    private readonly around: Around,
  ) {
    this.socket = socket;
    this.#tcp = tcp;
    tcp.once('connect', () => {
      this.#localAddress = tcp.localAddress;
    });
    this.#publisher = new Publisher(around.session.protocolVersion, (bytes) => {
      if (!socket.writable) return;
      socket.write(bytes);
      this.#heartbeat?.sent();
    });
    socket.once(ready, () => this.#begin());
    socket.on('error', (error) => this.destroy(errorFailure(error, this.#connected)));
    socket.on('close', () => this.#onClose());
  }

  publish(message: MqttMessage): number {
    return this.#publisher.publish(message);
  }

  traffic(): Traffic {
    const { bytesWritten, bytesRead } = this.#tcp;
    return { sentBytes: bytesWritten, receivedBytes: bytesRead, localAddress: this.#localAddress };
  }

  destroy(why: LinkFailure): void {
    this.#failure ??= why;
    this.socket.destroy();
    this.#client?.end(true);
  }

  end(): Promise<void> {
    if (this.#isDown) return Promise.resolve();
    this.#failure ??= failure('closed', 'we said goodbye');
    return new Promise((resolve) => {
      this.#whenDown.push(resolve);
      if (this.#connected) this.#client!.end(false);
      else this.socket.destroy();
      // A half-open link never closes by itself.
      const timer = this.around.clock.after(GOODBYE_MS, () => this.socket.destroy());
      this.#whenDown.push(() => timer.cancel());
    });
  }

  #begin(): void {
    const splitter = new Splitter(this.socket, {
      heard: () => this.#heartbeat?.heard(),
      puback: (id, reasonCode) => this.#onPuback(id, reasonCode),
    });
    const client = new MqttClient(() => splitter, this.around.session);
    this.#client = client;
    client.on('connect', (connack) => {
      // The broker has nothing to say between its CONNACK and our next packet.
      splitter.begin();
      this.#onConnect(client, connack.properties);
    });
    client.on('packetsend', () => this.#heartbeat?.sent());
    client.on('packetreceive', (packet) => {
      this.#heartbeat?.heard();
      if (packet.cmd === 'puback') this.#onPuback(packet.messageId ?? 0, packet.reasonCode ?? 0);
    });
    client.on('message', (topic, payload) => this.around.events.message(topic, payload));
    client.on('disconnect', (packet) => {
      this.destroy(reasonFailure(packet.reasonCode ?? 0, 'the broker ended the connection'));
    });
    client.on('error', (error) => this.destroy(errorFailure(error, this.#connected)));
  }

  #onConnect(client: Client, server: ConnackLimits | undefined): void {
    this.#connected = true;
    const { remoteAddress, remoteFamily } = this.socket;
    if (remoteAddress) this.around.resolver.reached(remoteAddress, remoteFamily);
    this.#heartbeat = this.#beat(client, server?.serverKeepAlive);
    const limits = {
      receiveMaximum: server?.receiveMaximum ?? MAX_RECEIVE,
      maximumPacketBytes: server?.maximumPacketSize ?? MAX_PACKET_BYTES,
    };
    if (this.around.topics.length === 0) this.around.events.connected(limits);
    else this.#subscribe(client, limits);
  }

  #beat(client: Client, serverKeepAliveS: number | undefined): Heartbeat {
    const ours = this.around.session.keepalive;
    const keepAliveMs = 1000 * Math.min(ours, serverKeepAliveS || ours);
    return new Heartbeat({
      clock: this.around.clock,
      keepAliveMs,
      ping: () => client.sendPing(),
      isAwaited: () => this.#publisher.isAwaited,
      onSilence: () =>
        this.destroy(
          failure('timeout', `the broker has been silent for ${1.5 * keepAliveMs} ms: the link is dead`),
        ),
    });
  }

  #subscribe(client: Client, limits: ServerLimits): void {
    const { topics, events } = this.around;
    client.subscribe([...topics], { qos: 1 }, (error) => {
      if (!error) return events.connected(limits);
      const { packet } = error as { packet?: { granted?: readonly unknown[] } };
      const refusedWith = packet?.granted?.find((code) => typeof code === 'number' && code >= 0x80);
      // Any other failure is the link's own, and ends it.
      if (typeof refusedWith === 'number')
        events.connected({ ...limits, subscriptionRefusedWith: refusedWith });
      else this.destroy(errorFailure(error, true));
    });
  }

  #onPuback(id: number, reasonCode: number): void {
    if (this.#publisher.answered(id)) this.around.events.answered(id, reasonCode);
    else this.around.events.strayAnswer();
  }

  #onClose(): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.#heartbeat?.stop();
    const why = this.#failure ?? failure('closed', 'the connection was closed without a word');
    this.around.events.down(why);
    for (const resolve of this.#whenDown) resolve();
  }
}
