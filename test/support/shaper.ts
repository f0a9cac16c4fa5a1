import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const SEGMENT_BYTES = 1400;
/** What may wait in front of the link, as in a modem; then the sender is held back. */
const QUEUE_BYTES = 256 * 1024;

export interface Shape {
  readonly bytesPerS: number;
  readonly rttMs: number;
  /** Share of segments that come a round trip late, as TCP sends them again; those behind wait for them. */
  readonly loss: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A TCP proxy on loopback that is a long, thin, lossy link. */
export class ShapingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes handed on to the target. */
  upBytes = 0;

  private constructor(
    private readonly target: number,
    private readonly shape: Shape,
  ) {
    this.#server = createServer((client) => {
      const broker = connect(this.target, '127.0.0.1');
      this.#pass(client, broker, (bytes) => {
        this.upBytes += bytes;
      });
      this.#pass(broker, client, () => undefined);
    });
  }

  static async start(targetPort: number, shape: Shape): Promise<ShapingProxy> {
    const proxy = new ShapingProxy(targetPort, shape);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    const { bytesPerS, rttMs, loss, random } = this.shape;
    this.#sockets.add(from);
    let [freeAtMs, arrivesMs, queuedBytes] = [0, 0, 0];
    const queue: Buffer[] = [];
    // Timers of one millisecond come in any order: each takes the segment whose turn it is.
    const arrive = () => {
      const segment = queue.shift()!;
      queuedBytes -= segment.length;
      if (queuedBytes < QUEUE_BYTES / 2) from.resume();
      if (to.writable) to.write(segment);
      count(segment.length);
    };
    const send = (segment: Buffer) => {
      const nowMs = performance.now();
      freeAtMs = Math.max(freeAtMs, nowMs) + (1000 * segment.length) / bytesPerS;
      arrivesMs = Math.max(arrivesMs, freeAtMs + rttMs / 2 + (random() < loss ? rttMs : 0));
      queuedBytes += segment.length;
      queue.push(segment);
      setTimeout(arrive, arrivesMs - nowMs);
    };
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += SEGMENT_BYTES) send(chunk.subarray(at, at + SEGMENT_BYTES));
      if (queuedBytes > QUEUE_BYTES) from.pause();
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
