import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An MQTT 3.1.1 client of bytes written by hand (sections 2 and 3 of the standard): what it hears is what the broker sent. */
export class RawMqtt {
  /** First bytes of packets as they came, and their length: `40:2` is a PUBACK. */
  readonly heard: string[] = [];
  isClosed = false;

  private constructor(readonly socket: Socket) {
    let rest = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 2 && rest.length >= 2 + rest[1]!) {
        this.heard.push(rest.subarray(0, 2 + rest[1]!).toString('hex'));
        rest = rest.subarray(2 + rest[1]!);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async open(port: number): Promise<RawMqtt> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawMqtt(socket);
  }

  connect(clientId: string, will?: { readonly topic: string; readonly payload: string }): void {
    // Clean session; with a retained will of QoS 1.
    const flags = will ? 0x02 | 0x04 | 0x08 | 0x20 : 0x02;
    const keepAlive = [0, 60];
    const parts = [text('MQTT'), Buffer.of(4, flags, ...keepAlive), text(clientId)];
    if (will) parts.push(text(will.topic), text(will.payload));
    this.socket.write(packet(0x10, Buffer.concat(parts)));
  }

  /** `first`: 0x32 is QoS 1; 0x33 retained too. */
  publish(topic: string, payload: Uint8Array, id: number, first = 0x32): void {
    this.socket.write(packet(first, Buffer.concat([text(topic), Buffer.of(id >> 8, id & 255), payload])));
  }

  subscribe(filter: string, id: number): void {
    this.socket.write(
      packet(0x82, Buffer.concat([Buffer.of(id >> 8, id & 255), text(filter), Buffer.of(1)])),
    );
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

export function packet(first: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; ; left = Math.floor(left / 128)) {
    length.push((left % 128) + (left >= 128 ? 128 : 0));
    if (left < 128) break;
  }
  return Buffer.concat([Buffer.of(first, ...length), body]);
}
