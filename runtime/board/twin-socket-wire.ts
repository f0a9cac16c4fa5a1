import type { Socket } from 'node:net';
import type { HalErrorKind, I2cTwinFaults } from '../../drivers/contract/index.js';

/**
 * How a node talks to twins in another process: over a Unix socket, each message a 32-bit big-endian length and as many bytes of JSON.
 * Requests are answered in the order they come, each with the id it bears. Bytes travel as hexadecimal text.
 */
export type TwinRequest = { readonly id: number } & (
  | { readonly op: 'read'; readonly address: number; readonly length: number }
  | { readonly op: 'write'; readonly address: number; readonly hex: string }
  | {
      readonly op: 'readRegisters';
      readonly address: number;
      readonly register: number;
      readonly length: number;
    }
  | {
      readonly op: 'writeRegisters';
      readonly address: number;
      readonly register: number;
      readonly hex: string;
    }
  | { readonly op: 'recover' }
  | { readonly op: 'served' }
  | { readonly op: 'faults'; readonly address: number; readonly faults: Partial<I2cTwinFaults> }
  | { readonly op: 'powerCycle'; readonly address: number }
);

export type TwinResponse = { readonly id: number } & (
  | { readonly ok: true; readonly hex: string }
  | { readonly ok: true; readonly free: boolean }
  /** Transfers that read something and were answered since the server started, by address. */
  | { readonly ok: true; readonly served: Readonly<Record<string, number>> }
  | { readonly ok: false; readonly kind: HalErrorKind; readonly what: string }
);

/** The longest message; a peer that says more is cut off. */
const MAX_MESSAGE_BYTES = 16_384;

export function sendMessage(socket: Socket, message: TwinRequest | TwinResponse): void {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  socket.write(Buffer.concat([head, body]));
}

/** Cuts what a socket says into messages; anything that isn't one destroys the socket, with the reason. */
export function onMessages(socket: Socket, take: (message: unknown) => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    held = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    try {
      held = takeWhole(held, take);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function takeWhole(bytes: Buffer, take: (message: unknown) => void): Buffer {
  let rest = bytes;
  while (rest.length >= 4) {
    const length = rest.readUInt32BE();
    if (length > MAX_MESSAGE_BYTES) throw new Error(`a message of ${length} bytes on a twin's socket`);
    if (rest.length < 4 + length) break;
    take(JSON.parse(rest.toString('utf8', 4, 4 + length)));
    rest = rest.subarray(4 + length);
  }
  return rest;
}
