import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { HalError, halErrorKind, type I2cTwin, type World } from '../../drivers/contract/index.js';
import type { RuntimeClock } from '../clock/types.js';
import { afterBy } from './deps.js';
import { errorText } from './errno.js';
import { QueuedI2cBus } from './i2c-queue.js';
import { TwinI2c } from './twin-i2c.js';
import { onMessages, sendMessage, type TwinRequest, type TwinResponse } from './twin-socket-wire.js';

/** A bound beyond any that a node sets: it is the node's side that times out. */
const TIMEOUT_MS = 60_000;

export interface ServedTwins {
  /** Transfers that read something and were answered, by address. */
  readonly served: ReadonlyMap<number, number>;
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly random: () => number;
  readonly clock: RuntimeClock;
  /** Told of each read that was answered, before its answer leaves. */
  readonly onServed?: (address: number, count: number) => void;
}

/** Serves I2C twins on a Unix socket to any number of nodes, one after the other or at once. Whatever lay at `path` is replaced. */
export async function serveTwins(
  path: string,
  twins: ReadonlyMap<number, I2cTwin>,
  world: () => World,
  options: ServeOptions,
): Promise<ServedTwins> {
  const served = new Map<number, number>();
  const onServed = (address: number) => {
    const count = (served.get(address) ?? 0) + 1;
    served.set(address, count);
    options.onServed?.(address, count);
  };
  const after = afterBy(options.clock);
  const raw = new TwinI2c({ name: path, twins, world, random: options.random, after, onServed });
  const bus = new QueuedI2cBus(path, raw, TIMEOUT_MS, after);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy()); // a node that was killed: the next one connects anew
    onMessages(socket, (message) => {
      void answer(message as TwinRequest, bus, twins, served).then((response) => {
        if (!socket.destroyed) sendMessage(socket, response);
      });
    });
  });
  await rm(path, { force: true });
  await listen(server, path);
  const close = () => closeAll(server, sockets);
  return { served, close };
}

async function answer(
  request: TwinRequest,
  bus: QueuedI2cBus,
  twins: ReadonlyMap<number, I2cTwin>,
  served: ReadonlyMap<number, number>,
): Promise<TwinResponse> {
  const { id } = request;
  try {
    switch (request.op) {
      case 'read':
        return { id, ok: true, hex: toHex(await bus.read(request.address, request.length)) };
      case 'write':
        await bus.write(request.address, fromHex(request.hex));
        return { id, ok: true, hex: '' };
      case 'readRegisters': {
        const { address, register, length } = request;
        return { id, ok: true, hex: toHex(await bus.readRegisters(address, register, length)) };
      }
      case 'writeRegisters':
        await bus.writeRegisters(request.address, request.register, fromHex(request.hex));
        return { id, ok: true, hex: '' };
      case 'recover':
        return { id, ok: true, free: await bus.recover() };
      case 'served':
        return { id, ok: true, served: Object.fromEntries(served) };
      case 'faults':
        Object.assign(twinAt(twins, request.address).faults, request.faults);
        return { id, ok: true, hex: '' };
      case 'powerCycle':
        twinAt(twins, request.address).powerCycle();
        return { id, ok: true, hex: '' };
      default:
        throw new HalError('unsupported', 'twins', 'no such request');
    }
  } catch (error) {
    return { id, ok: false, kind: halErrorKind(error), what: errorText(error) };
  }
}

function twinAt(twins: ReadonlyMap<number, I2cTwin>, address: number): I2cTwin {
  const twin = twins.get(address);
  if (!twin) throw new HalError('absent', 'twins', `no twin at address ${address}`);
  return twin;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

function closeAll(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
