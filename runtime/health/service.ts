import type { RuntimeClock, Timer } from '../clock/types.js';
import { type Environment, type Wanted, wanted } from './environment.js';

/** While it starts, a service manager is asked to wait so much longer, again and again: as long as the loop turns. */
const EXTENSION_US = 30_000_000;
/** Characters; with three bytes each it still fits into one datagram of native.notify. */
const STATUS_MAX = 300;

export interface ServiceOptions {
  readonly environment: Environment;
  /** Of this process. */
  readonly pid: number;
  readonly clock: RuntimeClock;
  /** One datagram, at once or not at all: native.notify. Throws. */
  readonly send: (address: string, state: string) => void;
  readonly log: (level: 'info' | 'warn' | 'error', text: string) => void;
}

/** What a running node is asked at each pulse. */
export interface Watched {
  /** Ticks have stopped. */
  isStuck(): boolean;
  /** How it is, in one line, for people. */
  statusLine(): string;
}

/** Undefined where no service manager started this process: there is nobody to tell, and nothing is done. */
export function openService(options: ServiceOptions): Service | undefined {
  const found = wanted(options.environment, options.pid);
  return found && new Service(found, options);
}

/**
 * What the service manager hears of this node. Its watchdog is fed by a timer of the event loop, and only while the sampler's ticks get on:
 * never by what a disk, a link or a part does, because a restart mends none of them. Opening a large store takes its time, so until the
 * node samples each pulse asks for more time instead, and READY=1 means that it samples.
 */
export class Service {
  #status = 'starting';
  #toldStatus: string | undefined;
  #watched: Watched | undefined;
  #isReadyTold = false;
  #isStuck = false;
  #isRefused = false;
  #timer: Timer | undefined;

  constructor(
    private readonly wanted: Wanted,
    private readonly options: ServiceOptions,
  ) {
    const { watchdogMs, pulseMs } = wanted;
    if (watchdogMs !== undefined && watchdogMs < 2 * pulseMs) {
      options.log('error', `a watchdog of ${watchdogMs} ms can't be kept: word goes out each ${pulseMs} ms`);
    }
    this.#pulse();
  }

  /** The node samples. */
  running(watched: Watched): void {
    this.#watched = watched;
    this.#pulse();
  }

  /** Another configuration follows in this process: who waits for it is told as it was at the start, the watchdog as while it ran. */
  again(why: string): void {
    this.#watched = undefined;
    this.#status = `starting again: ${why}`;
    this.#pulse();
  }

  /** Nothing more is fed: a stop that hangs is the service manager's to end. */
  stopping(why: string): void {
    this.#timer?.cancel();
    this.#status = `stopping: ${why}`;
    this.#tell(['STOPPING=1']);
  }

  #pulse(): void {
    this.#timer?.cancel();
    this.#timer = this.options.clock.after(this.wanted.pulseMs, () => this.#pulse());
    if (this.#watched) this.#tellRunning(this.#watched);
    else if (!this.#isReadyTold) this.#tell([`EXTEND_TIMEOUT_USEC=${EXTENSION_US}`]);
    else this.#tell(this.wanted.watchdogMs === undefined ? [] : ['WATCHDOG=1']);
  }

  #tellRunning(watched: Watched): void {
    const isStuck = watched.isStuck();
    if (isStuck && !this.#isStuck) {
      this.options.log(
        'error',
        'the sampler’s ticks have stopped: the watchdog is not fed until they get on',
      );
    }
    this.#isStuck = isStuck;
    this.#status = isStuck ? 'the sampler’s ticks have stopped' : lineOf(watched);
    const words = [
      ...(this.#isReadyTold ? [] : ['READY=1']),
      ...(isStuck || this.wanted.watchdogMs === undefined ? [] : ['WATCHDOG=1']),
    ];
    if (this.#tell(words)) this.#isReadyTold = true;
  }

  /** False where nobody took it: what matters is said again at the next pulse. */
  #tell(words: readonly string[]): boolean {
    const status = oneLine(this.#status);
    const lines = status === this.#toldStatus ? words : [...words, `STATUS=${status}`];
    if (lines.length === 0) return true;
    try {
      this.options.send(this.wanted.address, lines.join('\n'));
    } catch (error) {
      if (!this.#isRefused) {
        this.options.log('warn', `the service manager can't be told: ${(error as Error).message}`);
      }
      this.#isRefused = true;
      return false;
    }
    if (this.#isRefused) this.options.log('info', 'the service manager can be told again');
    this.#isRefused = false;
    this.#toldStatus = status;
    return true;
  }
}

/** A line for people is no reason to go without food. */
function lineOf(watched: Watched): string {
  try {
    return watched.statusLine();
  } catch (error) {
    return `running; its status can't be told: ${(error as Error).message}`;
  }
}

/** A newline in an error's text must not become a word of its own. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, STATUS_MAX);
}
