import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import type { SerialPort as NpmSerialPort } from 'serialport';
import { HalError, type SerialPort } from '../../drivers/contract/index.js';
import type { Framer } from '../../native/types.js';
import type { BoardSetup } from './deps.js';
import { errorText, toHalError } from './errno.js';
import { FramedPort, type OnFrames, type OnState } from './framed-port.js';

const MAX_WRITE_BYTES = 4096;
/** Bytes that wait for the line at most. */
const MAX_PENDING_BYTES = 16_384;
const WRITE_TIMEOUT_MS = 2000;
/** How long a line that hung up may go unnoticed. */
const CHECK_INTERVAL_MS = 1000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** A line that stayed up for so long starts its back-off anew. */
const STEADY_MS = 10_000;

type NpmSerialPortClass = typeof NpmSerialPort;

const DEVICE_GONE = {
  ENOENT: ['absent', 'there is no such device', 'is it plugged in?'],
  EACCES: ['denied', 'this user may not open it', 'add it to the group dialout'],
} as const;

export async function openLinuxSerial(
  device: string,
  baud: number,
  framer: Framer,
  setup: BoardSetup,
): Promise<SerialPort> {
  const loaded = await setup.loaders.serialport().catch((error: unknown) => {
    throw new HalError(
      'unsupported',
      device,
      `the package serialport cannot be loaded: ${errorText(error)}`,
      {
        cause: error,
        hint: 'npm rebuild @serialport/bindings-cpp',
      },
    );
  });
  const { SerialPort: Port } = loaded as { SerialPort: NpmSerialPortClass };
  return new LinuxSerialPort(device, baud, framer, setup, Port);
}

/**
 * One serial device, kept open: whenever it goes away it is looked for again under the same stable path, with back-off. It is always
 * being read, listener or not: the loss of a line shows only in a read.
 */
class LinuxSerialPort implements SerialPort {
  readonly #framed: FramedPort;
  #port: NpmSerialPort | undefined;
  #tries = 0;
  #openedAtNs = 0n;
  #closed = false;
  #cancelReopen: () => void = () => undefined;
  #cancelCheck: () => void = () => undefined;

  constructor(
    readonly where: string,
    readonly baud: number,
    framer: Framer,
    private readonly setup: BoardSetup,
    private readonly Port: NpmSerialPortClass,
  ) {
    this.#framed = new FramedPort(
      framer,
      () => setup.clock.nowNs(),
      (error) => setup.log('error', `${where}: the listener failed: ${errorText(error)}`),
    );
    void this.#open();
  }

  get counters() {
    return this.#framed.counters;
  }

  listen(onFrames: OnFrames, onState: OnState): () => void {
    return this.#framed.listen(onFrames, onState);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const port = this.#port;
    if (bytes.length > MAX_WRITE_BYTES) {
      throw new HalError('invalid', this.where, `${bytes.length} bytes at once: ${MAX_WRITE_BYTES} at most`);
    }
    if (!port || !this.#framed.isOpen) throw new HalError('disconnected', this.where, 'the line is not open');
    if (port.writableLength + bytes.length > MAX_PENDING_BYTES) {
      throw new HalError('busy', this.where, `${port.writableLength} bytes wait for this line already`);
    }
    await this.#writeBounded(port, bytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelReopen();
    this.#cancelCheck();
    const port = this.#port;
    this.#port = undefined;
    if (port?.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
  }

  #writeBounded(port: NpmSerialPort, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.setup.after(WRITE_TIMEOUT_MS, () =>
        reject(new HalError('timeout', this.where, `not written within ${WRITE_TIMEOUT_MS} ms`)),
      );
      port.write(Buffer.from(bytes), (error) => {
        cancel();
        if (error) reject(new HalError('disconnected', this.where, error.message, { cause: error }));
        else resolve();
      });
    });
  }

  async #open(): Promise<void> {
    try {
      const path = await realpath(this.where);
      await access(path, constants.R_OK | constants.W_OK);
      if (!this.#closed) this.#start(path);
    } catch (error) {
      this.#down(toHalError(error, this.where, DEVICE_GONE));
    }
  }

  /** Every way of ending leads to `end` once: refused, closed, an error, or the end of file that a hung-up line reads. */
  #start(path: string): void {
    const port = new this.Port({ path, baudRate: this.baud, autoOpen: false, highWaterMark: 65_536 });
    let ended = false;
    const end = (error: HalError) => {
      if (ended) return;
      ended = true;
      this.#cancelCheck();
      if (port.isOpen) port.close();
      if (this.#port === port) this.#port = undefined;
      this.#down(error);
    };
    const gone = (cause?: unknown) =>
      new HalError('disconnected', this.where, 'the line went away', { cause });
    port.on('data', (chunk: Buffer) => {
      if (!ended) this.#framed.accept(chunk);
    });
    port.on('error', (error) => end(gone(error)));
    port.on('close', (error: Error | null) => end(gone(error)));
    port.on('end', () => end(gone()));
    this.#port = port;
    port.open((error) => {
      if (error) end(this.#refused(error));
      else if (this.#closed) port.close();
      else {
        this.#up();
        this.#check(port, (cause) => end(gone(cause)));
      }
    });
  }

  /**
   * serialport retries a read of nothing at once and for ever (bindings-cpp, unix-read), which is what a line reads that hung up between
   * two reads: a busy loop that tells nobody. Such a line refuses every ioctl with EIO, so it is asked for one that changes nothing.
   */
  #check(port: NpmSerialPort, onGone: (cause: Error) => void): void {
    this.#cancelCheck = this.setup.after(CHECK_INTERVAL_MS, () =>
      port.drain((error) => {
        if (error) onGone(error);
        else if (this.#port === port) this.#check(port, onGone);
      }),
    );
  }

  #refused(cause: Error): HalError {
    return new HalError('io', this.where, cause.message, {
      cause,
      hint: 'does another program hold it, or is the baud rate one that it lacks?',
    });
  }

  #up(): void {
    this.#openedAtNs = this.setup.clock.nowNs();
    this.#framed.opened();
  }

  #down(error: HalError): void {
    if (this.#closed) return;
    const upMs = Number((this.setup.clock.nowNs() - this.#openedAtNs) / 1_000_000n);
    if (this.#framed.isOpen && upMs >= STEADY_MS) this.#tries = 0;
    this.#framed.lost(error);
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#tries++);
    const waitMs = BACKOFF_MIN_MS + this.setup.random() * (longest - BACKOFF_MIN_MS);
    this.#cancelReopen = this.setup.after(waitMs, () => void this.#open());
  }
}
