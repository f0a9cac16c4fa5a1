import {
  type Driver,
  HalError,
  halErrorKind,
  oneRow,
  type Rows,
  rowCount,
} from '../../drivers/contract/index.js';
import type { BoardPart } from '../board/types.js';
import type { RuntimeClock, Timer } from '../clock/types.js';
import type { PartConfig } from '../config/types.js';
import { Backoff } from './backoff.js';
import { StreamFilter } from './filter.js';
import { fullStreams } from './streams.js';
import type { PartState, PartStatus, SamplerStream } from './types.js';

/** A sample that takes longer than this is given up; the part isn't asked again until it has come back. */
const SAMPLE_DEADLINE_MS = 5_000;
const RETRY_MIN_MS = 250;
/** A part may be asked a little early, so many times in a row, before that is a fault: its clock isn't ours. */
const NOT_READY_MAX = 3;
const RETRY_MAX_MS = 30_000;

export interface PartLoopOptions {
  readonly config: PartConfig;
  /** Absent when it could not be opened yet. */
  readonly opened?: BoardPart;
  readonly clock: RuntimeClock;
  readonly random: () => number;
  /** Opens a part that was missing. */
  readonly open: () => Promise<BoardPart>;
  /** Called once, before the first row: the streams that the part has. */
  readonly declare: (streams: readonly SamplerStream[]) => void;
  /** Tries to free the part's bus. */
  readonly recover: (busKey: string) => Promise<boolean>;
  readonly emit: (rows: Rows) => void;
  readonly log: (level: 'info' | 'warn', text: string) => void;
}

/** One part's life: opened, probed, configured, sampled on its schedule, and all of it again after a fault. */
export class PartLoop {
  #opened: BoardPart | undefined;
  #streams = new Map<string, { readonly filter: StreamFilter; readonly stream: SamplerStream }>();
  #state: PartState = 'starting';
  #configured = false;
  #busy = false;
  #hanging = false;
  #stopped = false;
  #timer: Timer | undefined;
  #dueNs = 0n;
  #intervalMs: number | undefined;
  #stopStream: (() => Promise<void>) | undefined;
  readonly #backoff: Backoff;
  #samples = 0;
  #failures = 0;
  #missed = 0;
  #notReady = 0;
  /** The last failure was its bus's, or none at all: the next try comes with the schedule, not later each time. */
  #isBlameless = false;
  #lastError: Error | undefined;
  #lastGoodNs: bigint | undefined;

  constructor(private readonly options: PartLoopOptions) {
    this.#intervalMs = options.config.intervalMs;
    if (options.opened) this.#adopt(options.opened);
    this.#backoff = new Backoff(Math.max(RETRY_MIN_MS, this.#intervalMs ?? 0), RETRY_MAX_MS, options.random);
  }

  start(): void {
    this.#dueNs = this.options.clock.nowNs();
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#stopStream?.();
  }

  /** Takes effect at the next tick, or at once where the new interval is the shorter one. */
  setInterval(intervalMs: number): void {
    if (this.#intervalMs === undefined || this.#intervalMs === intervalMs) return;
    const shorter = intervalMs < this.#intervalMs;
    this.#intervalMs = intervalMs;
    if (shorter && this.#state === 'ok' && !this.#busy) {
      this.#dueNs = this.options.clock.nowNs();
      this.#schedule(0);
    }
  }

  status(): PartStatus {
    return {
      id: this.options.config.id,
      where: this.#opened?.where ?? '-',
      state: this.#state,
      intervalMs: this.#intervalMs,
      samples: this.#samples,
      failures: this.#failures,
      missed: this.#missed,
      lastError: this.#lastError?.message,
      lastErrorKind: this.#lastError && halErrorKind(this.#lastError),
      lastGoodNs: this.#lastGoodNs,
    };
  }

  #schedule(ms: number): void {
    this.#timer?.cancel();
    if (!this.#stopped) this.#timer = this.options.clock.after(ms, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    try {
      const driver = await this.#ready();
      if (driver.sample) await this.#sampleOnce(driver);
      this.#succeeded();
    } catch (error) {
      await this.#failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#busy = false;
      this.#scheduleNext();
    }
  }

  /** The driver, opened and configured. */
  async #ready(): Promise<Driver> {
    const { driver } = this.#opened ?? this.#adopt(await this.options.open());
    if (this.#configured) return driver;
    await this.#bounded(() => driver.probe());
    await this.#bounded(() => driver.configure());
    this.#configured = true;
    if (driver.stream && !this.#stopStream) {
      this.#stopStream = await driver.stream(
        (rows) => this.#take(rows),
        (error) => this.#streamFailed(error),
      );
    }
    return driver;
  }

  #adopt(part: BoardPart): BoardPart {
    this.#opened = part;
    const streams = fullStreams(this.options.config, part.driver.streams);
    for (const [i, declared] of part.driver.streams.entries()) {
      const filter = new StreamFilter(declared.channels, this.#intervalMs !== undefined);
      this.#streams.set(declared.name, { filter, stream: streams[i]! });
    }
    this.options.declare(streams);
    return part;
  }

  async #sampleOnce(driver: Driver): Promise<void> {
    for (const rows of await this.#bounded(() => driver.sample!())) this.#take(rows);
  }

  /** Rows leave under their full stream name, rounded and judged. */
  #take(rows: Rows): void {
    const known = this.#streams.get(rows.stream);
    if (!known)
      throw new Error(`${this.options.config.id}: its driver emitted an undeclared stream '${rows.stream}'`);
    if (rowCount(rows) === 0 || this.#stopped) return;
    known.filter.apply(rows);
    this.#samples += rowCount(rows);
    this.#lastGoodNs = rows.timesNs[rows.timesNs.length - 1];
    this.options.emit({ ...rows, stream: known.stream.name });
    if (this.#stopStream && this.#state === 'failing') this.#succeeded();
  }

  #succeeded(): void {
    if (this.#state === 'failing' || this.#state === 'missing') {
      this.options.log('info', `${this.options.config.id}: works again after ${this.#lastError?.message}`);
    }
    this.#state = 'ok';
    this.#notReady = 0;
    this.#backoff.reset();
  }

  async #failed(error: Error): Promise<void> {
    const kind = halErrorKind(error);
    this.#isBlameless = kind === 'notReady' && this.#notReady++ < NOT_READY_MAX;
    if (this.#isBlameless) {
      this.#missed++;
      return;
    }
    this.#note(error);
    this.#emitFault();
    const isOfBus = kind === 'busy' || (kind === 'busStuck' && (await this.#recover()));
    // A bus that was held and let go has reset nobody; after anything else the part may have lost its registers.
    if (isOfBus) this.#isBlameless = this.#configured;
    else this.#configured = false;
  }

  /** Counts every failure, and says each kind of it once. */
  #note(error: Error): void {
    const kind = halErrorKind(error);
    const news = this.#state === 'ok' || this.#state === 'starting' || halErrorKind(this.#lastError) !== kind;
    this.#state = this.#opened ? 'failing' : 'missing';
    this.#lastError = error;
    this.#failures++;
    if (news) this.options.log('warn', `${this.options.config.id}: ${kind}: ${error.message}`);
  }

  async #recover(): Promise<boolean> {
    const busKey = this.#opened?.busKey;
    if (busKey === undefined) return false;
    const free = await this.options.recover(busKey);
    this.options.log('warn', `${busKey}: ${free ? 'freed after recovery' : 'still stuck after recovery'}`);
    return free;
  }

  /** What a part that speaks by itself reports between its rows; it goes on listening. */
  #streamFailed(error: Error): void {
    if (this.#state !== 'failing') this.#emitFault();
    this.#note(error);
  }

  /** A failed sample is a row too: numbered, with nothing in it but the fault. */
  #emitFault(): void {
    const [main] = this.#streams.values();
    if (!main || this.#stopped) return;
    const blank = new Array<undefined>(main.stream.channels.length).fill(undefined);
    this.options.emit(oneRow(main.stream.name, this.options.clock.nowNs(), blank));
  }

  #scheduleNext(): void {
    if (this.#stopped) return;
    const retrying = this.#state === 'failing' || this.#state === 'missing';
    if (retrying && !(this.#isBlameless && this.#intervalMs !== undefined)) {
      this.#schedule(this.#backoff.nextMs());
      return;
    }
    if (this.#intervalMs === undefined) return;
    const nowNs = this.options.clock.nowNs();
    const intervalNs = BigInt(Math.max(1, Math.round(this.#intervalMs * 1e6)));
    this.#dueNs += intervalNs;
    if (this.#dueNs <= nowNs) {
      // A late tick never makes a burst: the periods that passed are counted and left out.
      const passed = (nowNs - this.#dueNs) / intervalNs + 1n;
      this.#missed += Number(passed);
      this.#dueNs += passed * intervalNs;
    }
    this.#schedule(Number(this.#dueNs - nowNs) / 1e6);
  }

  /** A call that hangs is given up; the driver isn't called again until it has come back, so that it only ever does one thing. */
  #bounded<T>(call: () => Promise<T>): Promise<T> {
    const where = this.#opened?.where ?? this.options.config.id;
    if (this.#hanging)
      return Promise.reject(new HalError('timeout', where, 'the last call has not come back yet'));
    return new Promise((resolve, reject) => {
      this.#hanging = true;
      const timer = this.options.clock.after(SAMPLE_DEADLINE_MS, () =>
        reject(new HalError('timeout', where, `no answer within ${SAMPLE_DEADLINE_MS} ms`)),
      );
      const back = () => {
        timer.cancel();
        this.#hanging = false;
      };
      call().then(
        (value) => {
          back();
          resolve(value);
        },
        (error) => {
          back();
          reject(error);
        },
      );
    });
  }
}
