import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { type Answers, Lines, MAX_BYTES, type RequestInput, type Said } from '../../hil/host/wire.js';

/** The guest's end of the port to hil/host: a suite plugs, unplugs and plays through it. One suite at a time. */

const PORTS = '/sys/class/virtio-ports';
const ANSWER_TIMEOUT_MS = 60_000;
const RETRY_MS = 2;
const READ_BYTES = 65_536;

interface Epoll {
  add(fd: number, events: number): Epoll;
  remove(fd: number): Epoll;
  close(): void;
}
interface EpollModule {
  readonly Epoll: { new (callback: (error: Error | null) => void): Epoll; readonly EPOLLIN: number };
}
interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}
type Ask<K> = Extract<RequestInput, { do: K }>;

/** The links of /dev/virtio-ports are udev's; a guest without it knows the port by its name in sysfs. */
function findPort(device: string): string {
  if (existsSync(device)) return device;
  const name = basename(device);
  const port = readdirSync(PORTS).find(
    (entry) => readFileSync(join(PORTS, entry, 'name'), 'utf8').trim() === name,
  );
  if (port === undefined) throw new Error(`this machine has no virtio-serial port ${name}`);
  return `/dev/${port}`;
}

/** Kept from the collector: it would call into V8 as the process ends (see closedLines in runtime/board/linux-onoff.ts). */
const closed: Epoll[] = [];

export class Host {
  readonly #fd: number;
  readonly #poll: Epoll;
  readonly #lines = new Lines();
  readonly #waiting = new Map<number, Waiting>();
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #lastId = Math.floor(Date.now() % 1e6) * 1000; // a late answer to the suite before is nobody's
  #writing: Promise<void> = Promise.resolve();

  private constructor(device: string) {
    this.#fd = openSync(device, constants.O_RDWR | constants.O_NONBLOCK);
    const { Epoll } = createRequire(import.meta.url)('epoll') as EpollModule;
    this.#poll = new Epoll((error) => {
      if (!error) this.#read();
    });
    this.#poll.add(this.#fd, Epoll.EPOLLIN);
  }

  /** With everything unplugged and silent. */
  static async open(device: string): Promise<Host> {
    const host = new Host(findPort(device));
    await host.ask({ do: 'reset' });
    return host;
  }

  async ask<K extends keyof Answers>(request: Ask<K>, timeoutMs = ANSWER_TIMEOUT_MS): Promise<Answers[K]> {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    const timer = setTimeout(
      () => this.#waiting.get(id)?.reject(new Error(`the host did not ${request.do} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#writing = this.#writing.then(() =>
      this.#write(Buffer.from(`${JSON.stringify({ id, ...request })}\n`)),
    );
    try {
      return (await answer) as Answers[K];
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Says bytes of any length at the far end of a line. */
  async say(
    line: Ask<'say'>['line'],
    bytes: Uint8Array,
    cable: Omit<Ask<'say'>, 'do' | 'line' | 'bytes'> = {},
  ): Promise<Said> {
    const total = { bytes: 0, hits: 0 };
    for (let at = 0; at < bytes.length; at += MAX_BYTES) {
      const piece = Buffer.from(bytes.subarray(at, at + MAX_BYTES)).toString('base64');
      const said = await this.ask({ do: 'say', line, bytes: piece, ...cable });
      total.bytes += said.bytes;
      total.hits += said.hits;
    }
    return total;
  }

  async heard(line: Ask<'heard'>['line']): Promise<Buffer> {
    return Buffer.from((await this.ask({ do: 'heard', line })).bytes, 'base64');
  }

  /** A file of a recording: `<name>.log` or `<name>.log.chk`. */
  async file(name: string): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let from = 0; ; ) {
      const { bytes, size } = await this.ask({ do: 'file', name, from });
      pieces.push(Buffer.from(bytes, 'base64'));
      from += pieces.at(-1)!.length;
      if (from >= size) return Buffer.concat(pieces);
    }
  }

  close(): void {
    this.#poll.remove(this.#fd).close();
    closed.push(this.#poll);
    closeSync(this.#fd);
  }

  #read(): void {
    const size = orNothing(() => readSync(this.#fd, this.#buffer));
    for (const line of this.#lines.push(this.#buffer.toString('utf8', 0, size))) {
      const { id, ok, error } = JSON.parse(line) as { id: number; ok?: unknown; error?: string };
      const waiting = this.#waiting.get(id);
      if (error === undefined) waiting?.resolve(ok);
      else waiting?.reject(new Error(`the host: ${error}`));
    }
  }

  /** The port takes what it has room for. */
  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const size = orNothing(() => writeSync(this.#fd, bytes, at));
      at += size;
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function orNothing(call: () => number): number {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
