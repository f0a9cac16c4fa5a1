import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import type { TlsFiles } from './broker.js';

export interface HeardPublish {
  readonly topic: string;
  readonly id: number;
  readonly bytes: number;
  /** Answers it. On MQTT 3.1.1 the reason code has no place. */
  puback(reasonCode: number): void;
  /** Answers something else. */
  pubackFor(id: number, reasonCode: number): void;
}

const CONNECT = 1;
const PUBLISH = 3;
const PINGREQ = 12;

/** A server that speaks just enough MQTT (3.1.1 and 5) to misbehave as a test says. */
export class StubBroker {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connects = 0;
  publishes = 0;
  pings = 0;
  /** What is done with a publish; at first: answered. */
  onPublish: (publish: HeardPublish) => void = ({ puback }) => puback(0);
  /** False: a CONNECT ends the connection. */
  accepts = true;
  /** True: a PINGREQ is answered. */
  pongs = true;
  /** Told in the CONNACK of MQTT 5, seconds. */
  serverKeepAliveS: number | undefined;

  private constructor(private readonly tls: TlsFiles | undefined) {
    const serve = (socket: Socket) => this.#serve(socket);
    this.#server = tls
      ? createTls({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, serve)
      : createServer(serve);
  }

  static async start(tls?: TlsFiles): Promise<StubBroker> {
    const broker = new StubBroker(tls);
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.#sockets.size;
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    let rest: Buffer = Buffer.alloc(0);
    let level = 4;
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let packet = cut(rest); packet; packet = cut(rest)) {
        rest = rest.subarray(packet.length);
        // CONNECT: two bytes of length, "MQTT", the level.
        if (packet.type === CONNECT) level = packet.body[6] ?? 4;
        this.#hear(socket, level, packet);
      }
    });
  }

  #connack5(): Buffer {
    const s = this.serverKeepAliveS;
    if (s === undefined) return Buffer.from([0x20, 3, 0, 0, 0]);
    return Buffer.from([0x20, 6, 0, 0, 3, 0x13, s >> 8, s & 0xff]);
  }

  #hear(socket: Socket, level: number, { type, body }: Packet): void {
    if (type === CONNECT) {
      this.connects++;
      if (!this.accepts) socket.destroy();
      else socket.write(level === 5 ? this.#connack5() : Buffer.from([0x20, 2, 0, 0]));
    } else if (type === PUBLISH) {
      this.publishes++;
      this.onPublish(heard(socket, level, body));
    } else if (type === PINGREQ) {
      this.pings++;
      if (this.pongs) socket.write(Buffer.from([0xd0, 0]));
    }
  }
}

interface Packet {
  readonly type: number;
  readonly body: Buffer;
  /** Bytes with the fixed header. */
  readonly length: number;
}

/** The first whole packet (MQTT 5 §2.1). */
function cut(bytes: Buffer): Packet | undefined {
  let remaining = 0;
  for (let at = 1; at < 5 && at < bytes.length; at++) {
    remaining += (bytes[at]! & 0x7f) << (7 * (at - 1));
    if (bytes[at]! < 0x80) {
      const length = at + 1 + remaining;
      if (bytes.length < length) return undefined;
      return { type: bytes[0]! >> 4, body: bytes.subarray(at + 1, length), length };
    }
  }
  return undefined;
}

/** QoS 1 only. */
function heard(socket: Socket, level: number, body: Buffer): HeardPublish {
  const topicLength = body.readUInt16BE(0);
  const id = body.readUInt16BE(2 + topicLength);
  const pubackFor = (which: number, reasonCode: number) => {
    const ids = [which >> 8, which & 0xff];
    socket.write(Buffer.from(level === 5 ? [0x40, 3, ...ids, reasonCode] : [0x40, 2, ...ids]));
  };
  return {
    topic: body.toString('utf8', 2, 2 + topicLength),
    id,
    bytes: body.length,
    puback: (reasonCode) => pubackFor(id, reasonCode),
    pubackFor,
  };
}
