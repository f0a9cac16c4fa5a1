import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const SLICES_PER_S = 20;

/** A TCP proxy on loopback that can be made a half-open link, or a long one. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** True: bytes are taken from both ends and given to neither; connections stay open. */
  frozen = false;
  /** How long each byte takes, one way. */
  delayMs = 0;
  /** How fast bytes go on towards the broker; all of them are taken from the client at once. 0: as fast as they come. */
  upBytesPerS = 0;
  /** Whether what came from the broker just now is lost; its connection ends with it: TCP can't lose bytes and go on. */
  losesDown: () => boolean = () => false;
  /** Bytes towards the broker so far. */
  upBytes = 0;
  connections = 0;

  private constructor(private readonly target: number) {
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    this.connections++;
    const broker = connect(this.target, '127.0.0.1');
    this.#pass(client, broker, true);
    this.#pass(broker, client, false);
  }

  #pass(from: Socket, to: Socket, isUp: boolean): void {
    this.#sockets.add(from);
    let arrived = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      if (this.frozen) return;
      if (!isUp && this.losesDown()) return void from.destroy();
      if (isUp) this.upBytes += chunk.length;
      const dueMs = Date.now() + this.delayMs;
      arrived = arrived.then(async () => {
        const waitMs = dueMs - Date.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        if (isUp && this.upBytesPerS > 0) await this.#trickle(chunk, to);
        else to.write(chunk);
      });
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  async #trickle(chunk: Buffer, to: Socket): Promise<void> {
    const sliceBytes = Math.ceil(this.upBytesPerS / SLICES_PER_S);
    for (let at = 0; at < chunk.length && !to.destroyed; at += sliceBytes) {
      await new Promise((resolve) => setTimeout(resolve, 1000 / SLICES_PER_S));
      to.write(chunk.subarray(at, at + sliceBytes));
    }
  }
}
