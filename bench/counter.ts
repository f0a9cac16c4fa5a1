import { connect } from 'node:net';

/**
 * A process that takes all there is at QoS 0 and counts it: by the bytes, since a client library would be the slowest of all. It says
 * `ready`, and answers each line on stdin with what came so far, as JSON.
 */
const identities = new Set<string>();
const counted = { messages: 0, bytes: 0, firstMs: 0, lastMs: 0, duplicates: 0 };

const CONNECT = Buffer.from([0x10, 14, 0, 4, 77, 81, 84, 84, 4, 2, 0, 0, 0, 2, 0x72, 0x63]);

let rest: Buffer = Buffer.alloc(0);

/** Topic and the first bytes of the payload, in which a block's header names it, tell one message from another. */
function take(packet: Buffer, at: number): void {
  const type = packet[0]! >> 4;
  if (type === 9) process.stdout.write('ready\n');
  if (type !== 3) return;
  const from = at + 2 + packet.readUInt16BE(at);
  const identity = packet.toString('latin1', at, Math.min(packet.length, from + 64));
  if (identities.has(identity)) counted.duplicates++;
  identities.add(identity);
  counted.messages++;
  counted.bytes += packet.length - from;
  counted.lastMs = performance.now();
  counted.firstMs ||= counted.lastMs;
}

/** Whole packets; `undefined`: more bytes are needed. */
function packetAt(bytes: Buffer, offset: number): { end: number; body: number } | undefined {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[offset + 1 + i];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      const body = offset + 2 + i;
      return body + length <= bytes.length ? { end: body + length, body } : undefined;
    }
  }
  throw new Error('no MQTT packet');
}

const [host, port] = (process.argv[2] ?? '').replace('mqtt://', '').split(':');
const topic = Buffer.from(process.argv[3] ?? '#');
const socket = connect(Number(port), host);
socket.write(CONNECT);
const subscribe = Buffer.concat([
  Buffer.from([0x82, 5 + topic.length, 0, 1, 0, topic.length]),
  topic,
  Buffer.from([0]),
]);
socket.write(subscribe);
socket.on('data', (chunk: Buffer) => {
  const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
  let offset = 0;
  for (let found = packetAt(bytes, 0); found; found = packetAt(bytes, offset)) {
    take(bytes.subarray(offset, found.end), found.body - offset);
    offset = found.end;
  }
  rest = bytes.subarray(offset);
});
process.stdin.on('data', () =>
  process.stdout.write(`${JSON.stringify({ ...counted, distinct: identities.size })}\n`),
);
