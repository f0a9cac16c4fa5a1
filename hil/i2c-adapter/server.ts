import { closeSync, constants as files, openSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';

/** One message of a transfer, as the kernel's struct i2c_msg has it. */
export interface I2cMessage {
  readonly address: number;
  /** A read of so many bytes, or the bytes that are written. */
  readonly read?: number;
  readonly write?: Uint8Array;
  /** The read is an SMBus block: its first byte, 1 to 32, says how many bytes there are beyond `read`. */
  readonly isBlock?: boolean;
}

/** What the caller of a transfer gets in place of bytes: `ENXIO`, `EREMOTEIO`, … */
export class TransferError extends Error {
  constructor(readonly errno: keyof typeof ERRNO) {
    super(errno);
  }
}

/** What adapters say: Documentation/i2c/fault-codes.rst; EREMOTEIO has no name in Node. */
const ERRNO = {
  ENXIO: constants.errno.ENXIO,
  EREMOTEIO: 121,
  EAGAIN: constants.errno.EAGAIN,
  ETIMEDOUT: constants.errno.ETIMEDOUT,
  EIO: constants.errno.EIO,
} as const;

/** Does a whole transfer: the bytes of all its reads; or rejects, with a TransferError or any other (EIO). */
export type Transfer = (messages: readonly I2cMessage[]) => Promise<Uint8Array>;

interface Epoll {
  add(fd: number, events: number): Epoll;
  remove(fd: number): Epoll;
  close(): void;
}
interface EpollModule {
  readonly Epoll: { new (callback: (error: Error | null) => void): Epoll; readonly EPOLLIN: number };
}

const REQUEST_BYTES = 65_536;
const HEADER_BYTES = 12;
const MESSAGE_BYTES = 8;
const ANSWER_BYTES = 8;
/** I2C_M_RD and I2C_M_RECV_LEN of linux/i2c.h. */
const FLAG_READ = 0x0001;
const FLAG_BLOCK = 0x0400;

/**
 * Serves one bus of the module cairn_i2c. Its device is read without blocking, when epoll says so: a blocked fs.read would keep a thread of
 * libuv's pool for good. Returns the end of serving.
 */
export function serveAdapter(device: string, transfer: Transfer): () => void {
  const { Epoll } = createRequire(import.meta.url)('epoll') as EpollModule;
  const fd = openSync(device, files.O_RDWR | files.O_NONBLOCK);
  const buffer = Buffer.alloc(REQUEST_BYTES);
  const serve = async (request: Buffer): Promise<void> => {
    const id = request.readUInt32LE(0);
    const result = await transfer(messagesOf(request)).then(
      (bytes) => ({ error: 0, bytes }),
      (error: unknown) => ({ error: -errnoOf(error), bytes: new Uint8Array(0) }),
    );
    const answer = Buffer.alloc(ANSWER_BYTES + result.bytes.length);
    answer.writeUInt32LE(id, 0);
    answer.writeInt32LE(result.error, 4);
    answer.set(result.bytes, ANSWER_BYTES);
    if (open) write(fd, answer);
  };
  let open = true;
  const poll = new Epoll((error) => {
    if (!open || error) return;
    const size = readWaiting(fd, buffer);
    if (size > 0) void serve(Buffer.from(buffer.subarray(0, size)));
  });
  poll.add(fd, Epoll.EPOLLIN);
  return () => {
    if (!open) return;
    open = false;
    poll.remove(fd).close();
    closeSync(fd);
  };
}

function errnoOf(error: unknown): number {
  return ERRNO[error instanceof TransferError ? error.errno : 'EIO'];
}

/** The bytes of a request, or 0 where it was given up before it was read. */
function readWaiting(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

/** An answer that comes after the transfer was given up is nobody's. */
function write(fd: number, answer: Buffer): void {
  try {
    writeSync(fd, answer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECANCELED') throw error;
  }
}

function messagesOf(request: Buffer): readonly I2cMessage[] {
  const count = request.readUInt32LE(8);
  let at = HEADER_BYTES + count * MESSAGE_BYTES;
  return Array.from({ length: count }, (_, i) => {
    const header = HEADER_BYTES + i * MESSAGE_BYTES;
    const address = request.readUInt16LE(header);
    const length = request.readUInt32LE(header + 4);
    const flags = request.readUInt16LE(header + 2);
    if (flags & FLAG_READ) return { address, read: length, isBlock: (flags & FLAG_BLOCK) !== 0 };
    at += length;
    return { address, write: new Uint8Array(request.subarray(at - length, at)) };
  });
}
