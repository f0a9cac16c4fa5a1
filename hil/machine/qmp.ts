import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { connectTo } from './socket.js';

type Message = Record<string, unknown>;

interface Answer {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Events kept for `waitFor`, so that one that came first is not missed; the oldest go. */
const MAX_EVENTS = 1000;
const CONNECT_TIMEOUT_MS = 10_000;

/** QEMU's machine protocol (docs/interop/qmp-spec): commands are answered in order, events come in between. */
export class Qmp {
  readonly #answers: Answer[] = [];
  readonly #events: Message[] = [];
  readonly #watchers = new Set<() => void>();
  #ended: Error | undefined;

  private constructor(private readonly socket: Socket) {
    createInterface({ input: socket }).on('line', (line) => this.#take(JSON.parse(line) as Message));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('QMP: the machine has ended')));
  }

  static async connect(path: string, timeoutMs = CONNECT_TIMEOUT_MS): Promise<Qmp> {
    const qmp = new Qmp(await connectTo(path, timeoutMs));
    await qmp.execute('qmp_capabilities');
    return qmp;
  }

  /** Resolves to what the command returns; rejects with QEMU's own words. */
  execute(command: string, args: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      this.#answers.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  /** The next event of this name that nobody has had: each is handed out once. */
  waitFor(event: string, timeoutMs: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        const at = this.#events.findIndex((message) => message.event === event);
        if (at >= 0) finish(() => resolve(this.#events.splice(at, 1)[0]!));
        else if (this.#ended) finish(() => reject(new Error(`no ${event}`, { cause: this.#ended })));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`no ${event} within ${timeoutMs} ms`))),
        timeoutMs,
      );
      this.#watchers.add(look);
      look();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #take(message: Message): void {
    if ('event' in message) {
      this.#events.push(message);
      if (this.#events.length > MAX_EVENTS) this.#events.shift();
      this.#tell();
    } else if ('return' in message) {
      this.#answers.shift()?.resolve(message.return);
    } else if ('error' in message) {
      this.#answers.shift()?.reject(new Error(`QMP: ${(message.error as { desc: string }).desc}`));
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const answer of this.#answers.splice(0)) answer.reject(this.#ended);
    this.#tell();
  }

  #tell(): void {
    for (const look of [...this.#watchers]) look();
  }
}
