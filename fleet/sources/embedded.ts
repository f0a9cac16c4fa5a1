import { createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { Aedes, type AedesOptions, type AuthenticateError, type Client as Session } from 'aedes';
import { statusTopic } from '../../wire/index.js';
import { MAX_PAYLOAD_BYTES, MAX_TOPIC_BYTES, type Outcome } from '../ingest/index.js';
import { type Client, isClientId, mayPublish, maySubscribe } from './access.js';
import { PacketBound } from './packet-bound.js';
import type { Source, Take } from './types.js';

/** A block of 1 MiB, its topic and MQTT's own bytes. */
const MAX_PACKET_BYTES = MAX_PAYLOAD_BYTES + MAX_TOPIC_BYTES + 16;
/** CONNECT, with a status as last will: all that is kept of somebody who isn't known yet. */
const MAX_CONNECT_BYTES = 32 * 1024;
const CONNECT_MS = 10_000;
const DEFAULT_MAX_CLIENTS = 4096;
/** MQTT's own; a client that names no keep-alive is not let in, as it would never be known for gone. */
const MAX_KEEP_ALIVE_S = 65_535;
const IDENTIFIER_REJECTED = 2;
const NOT_AUTHORIZED = 5;

export interface BrokerTls {
  readonly key: Buffer;
  readonly certificate: Buffer;
  /** Nodes show a certificate that this one signed; its CN is the node's id. */
  readonly clientCa?: Buffer;
}

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls?: BrokerTls;
  readonly authorize: (client: Client) => boolean | Promise<boolean>;
  /** Clients that may subscribe to anything, as people with a tool do; absent: none. */
  readonly readsAll?: (id: string) => boolean;
  readonly take: Take;
  readonly maxClients?: number;
  /** A connection or a message that was turned away, and why. */
  readonly onTurnedAway?: (who: string, why: string) => void;
}

export interface EmbeddedBroker extends Source {
  readonly port: number;
  readonly clients: number;
}

/**
 * A broker within the process, MQTT 3.1.1 (nodes fall back to it), for a fleet that has no other. aedes writes the PUBACK after
 * `authorizePublish` has called back, so that is where messages are taken: what has a PUBACK is held. It keeps no sessions and no queues: nodes keep
 * their blocks, and subscribe anew on each connect.
 */
export async function embeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const broker = new Broker(options);
  await broker.listen().catch(async (error: Error) => {
    // Its timers would hold the process.
    await broker.close();
    throw error;
  });
  return broker;
}

class Broker implements EmbeddedBroker {
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #names = new WeakMap<object, string>();

  constructor(private readonly options: EmbeddedBrokerOptions) {
    this.#aedes = new Aedes(this.#handlers());
    // Without a listener an error of one client would end the process.
    this.#aedes.on('clientError', (client, error) => this.#turnedAway(client.id, error.message));
    this.#aedes.on('connectionError', (_, error) => this.#turnedAway('a connection', error.message));
    const { tls } = options;
    this.#server = tls
      ? createTlsServer(
          {
            ...{ key: tls.key, cert: tls.certificate, handshakeTimeout: CONNECT_MS },
            ...(tls.clientCa ? { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true } : {}),
          },
          (socket) => this.#accept(socket, nameOf(socket)),
        )
      : createServer((socket) => this.#accept(socket, undefined));
    this.#server.maxConnections = options.maxClients ?? DEFAULT_MAX_CLIENTS;
    this.#server.on('tlsClientError', (error) => this.#turnedAway('a connection', error.message));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  get clients(): number {
    return this.#aedes.connectedClients;
  }

  async listen(): Promise<void> {
    await this.#aedes.listen();
    const { port, host } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, host, resolve);
    });
  }

  #turnedAway(who: string, why: string): void {
    this.options.onTurnedAway?.(who, why);
  }

  #accept(socket: Socket, certificateName: string | undefined): void {
    socket.setNoDelay(true);
    // It is told through the connection, which ends with it.
    socket.on('error', () => undefined);
    const bound = new PacketBound(MAX_PACKET_BYTES, MAX_CONNECT_BYTES);
    const connection = Duplex.from({ readable: socket.pipe(bound), writable: socket });
    const end = () => socket.destroy();
    bound.on('error', (error) => connection.destroy(error));
    connection.on('close', end);
    socket.on('close', () => connection.destroy());
    if (certificateName !== undefined) this.#names.set(connection, certificateName);
    this.#aedes.handle(connection);
  }

  #handlers(): AedesOptions {
    return {
      connectTimeout: CONNECT_MS,
      keepaliveLimit: MAX_KEEP_ALIVE_S,
      maxInflightInbound: 64,
      maxTopicLevels: 8,
      preConnect: (_, packet, done) => {
        packet.clean = true;
        done(null, true);
      },
      authenticate: (client, username, password, done) => {
        this.#authenticate(client, username, password).then(
          (code) => done(code === 0 ? null : refusal(code), code === 0),
          (error: Error) => done(Object.assign(error, { returnCode: 3 }), false),
        );
      },
      authorizePublish: (client, packet, done) => {
        this.#publish(client, packet.topic, packet.payload).then(({ kind }) => {
          // What is retained lies in memory: a node's own status that was taken, and nothing that a client may have any number of.
          packet.retain &&= kind === 'held' && packet.topic === statusTopic(client!.id);
          done(null);
        }, done);
      },
      authorizeSubscribe: ({ id }, subscription, done) => {
        const may = maySubscribe(id, subscription.topic) || this.options.readsAll?.(id);
        done(null, may ? subscription : null);
      },
    };
  }

  async #authenticate(
    client: Session,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<number> {
    const who = { id: client.id, username, password, certificateName: this.#names.get(client.conn) };
    if (!isClientId(who) && !this.options.readsAll?.(client.id)) return IDENTIFIER_REJECTED;
    return (await this.options.authorize(who)) ? 0 : NOT_AUTHORIZED;
  }

  /** Rejecting ends the connection: MQTT 3.1.1 has no other way to say that a message isn't taken. */
  async #publish(client: Session | null, topic: string, payload: string | Buffer): Promise<Outcome> {
    if (!client || !mayPublish(client.id, topic))
      throw new Error(`${client?.id} may not publish to ${topic}`);
    return this.options.take(topic, Buffer.from(payload));
  }

  /** To nodes that are here: a receipt that is lost costs a resend, and a queue of them would have no bound. */
  publish(topic: string, payload: Uint8Array): boolean {
    const message = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(payload),
      qos: 1,
      retain: false,
      dup: false,
    } as const;
    this.#aedes.publish(message, (error) => {
      if (error) this.#turnedAway(topic, error.message);
    });
    return true;
  }

  async close(): Promise<void> {
    const isDown = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#aedes.close(resolve));
    await isDown;
  }
}

function nameOf(socket: TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate();
  return socket.authorized && typeof subject?.CN === 'string' ? subject.CN : undefined;
}

function refusal(returnCode: number): AuthenticateError {
  const text = returnCode === IDENTIFIER_REJECTED ? 'this id can not be had' : 'not authorized';
  return Object.assign(new Error(text), { returnCode });
}
