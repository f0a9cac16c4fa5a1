import type { Socket } from 'node:net';
import { connectTo } from '../machine/socket.js';

const CONNECT_TIMEOUT_MS = 10_000;
/** What the guest wrote and nobody fetched: the oldest goes. */
const MAX_HEARD_BYTES = 65_536;

/** The far end of one of the guest's serial ports: QEMU keeps a socket where a cable would be. */
export class Chardev {
  #socket: Socket | undefined;
  #heard = Buffer.alloc(0);

  constructor(readonly path: string) {}

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  async connect(): Promise<void> {
    if (this.#socket) return;
    const socket = await connectTo(this.path, CONNECT_TIMEOUT_MS);
    socket.on('data', (bytes: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, bytes]).subarray(-MAX_HEARD_BYTES);
    });
    socket.on('error', () => socket.destroy()); // a machine that has ended; `close` follows
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    this.#socket = socket;
  }

  /** Bytes that the guest has not read yet go too, as those in a cable that is pulled. */
  disconnect(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#heard = Buffer.alloc(0);
  }

  /** Resolves once QEMU's side of the socket has taken them; rejects where nothing is connected. */
  say(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#socket;
      if (!socket) return reject(new Error(`${this.path}: not connected`));
      socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** What the guest wrote since the last call. */
  takeHeard(): Buffer {
    const heard = this.#heard;
    this.#heard = Buffer.alloc(0);
    return heard;
  }
}
