import { connect, type Socket } from 'node:net';
import { HalError, i2cWhere } from '../../drivers/contract/index.js';
import { toHalError } from './errno.js';
import type { I2cTransfer, RawI2c } from './i2c-queue.js';
import { onMessages, sendMessage, type TwinRequest, type TwinResponse } from './twin-socket-wire.js';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** An I2C bus whose twins live in another process and survive this one. The socket is connected when it is needed, again and again. */
export class SocketI2c implements RawI2c {
  readonly #waiting = new Map<number, { resolve(r: TwinResponse): void; reject(e: Error): void }>();
  #socket: Socket | undefined;
  #nextId = 1;

  constructor(
    private readonly name: string,
    private readonly path: string,
  ) {}

  async transfer(address: number, transfer: I2cTransfer): Promise<Uint8Array> {
    const answer = await this.ask(i2cWhere(this.name, address), toRequest(address, transfer));
    return 'hex' in answer ? new Uint8Array(Buffer.from(answer.hex, 'hex')) : new Uint8Array(0);
  }

  async recover(): Promise<boolean> {
    const answer = await this.ask(this.name, { op: 'recover' });
    return 'free' in answer && answer.free;
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** One request and its answer; HalError of the kind that the twin's side gave, or `absent` and `disconnected` of the socket. */
  async ask(where: string, request: WithoutId<TwinRequest>): Promise<TwinResponse & { ok: true }> {
    const socket = this.#socket ?? (await this.#connect());
    const id = this.#nextId++;
    const response = await new Promise<TwinResponse>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      sendMessage(socket, { ...request, id } as TwinRequest);
    });
    if (response.ok) return response;
    throw new HalError(response.kind, where, response.what);
  }

  #connect(): Promise<Socket> {
    const where = `${this.name} (unix:${this.path})`;
    return new Promise((resolve, reject) => {
      const socket = connect(this.path);
      socket.once('error', (error) =>
        reject(
          toHalError(error, where, {
            ENOENT: ['absent', 'nobody serves twins here', 'start the process that serves them'],
            ECONNREFUSED: ['absent', 'nobody serves twins here any more'],
          }),
        ),
      );
      socket.once('connect', () => {
        this.#socket = socket;
        resolve(socket);
      });
      socket.on('close', () => this.#lost(socket, where));
      onMessages(socket, (message) => this.#take(message as TwinResponse));
    });
  }

  #take(response: TwinResponse): void {
    this.#waiting.get(response.id)?.resolve(response);
    this.#waiting.delete(response.id);
  }

  #lost(socket: Socket, where: string): void {
    if (this.#socket === socket) this.#socket = undefined;
    for (const { reject } of this.#waiting.values()) {
      reject(new HalError('disconnected', where, 'the process that served the twins went away'));
    }
    this.#waiting.clear();
  }
}

function toRequest(address: number, transfer: I2cTransfer): WithoutId<TwinRequest> {
  switch (transfer.kind) {
    case 'read':
      return { op: 'read', address, length: transfer.length };
    case 'write':
      return { op: 'write', address, hex: hex(transfer.bytes) };
    case 'readRegisters':
      return { op: 'readRegisters', address, register: transfer.register, length: transfer.length };
    case 'writeRegisters':
      return { op: 'writeRegisters', address, register: transfer.register, hex: hex(transfer.bytes) };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
