import { type Driver, HalError, halErrorKind, type Rows } from '../../drivers/contract/index.js';
import type { BoardPart } from '../board/types.js';
import type { RuntimeClock, Timer } from '../clock/types.js';
import type { PartConfig } from '../config/types.js';
import { Backoff } from './backoff.js';
import { Loan } from './loan.js';
import { OneCall } from './one-call.js';
import { Outlet } from './outlet.js';
import { Schedule } from './schedule.js';
import type { CorrectionsOf, OnRaw, PartState, PartStatus, SamplerStream } from './types.js';

/** A call that takes longer than this is given up; the part isn't asked again until it has come back. */
const CALL_DEADLINE_MS = 5_000;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 30_000;
/** A part may be asked a little early, so many times in a row, before that is a fault: its clock isn't ours. */
const NOT_READY_MAX = 3;

export interface PartLoopOptions {
  readonly config: PartConfig;
  /** Absent when it could not be opened yet. */
  readonly opened?: BoardPart;
  readonly clock: RuntimeClock;
  readonly random: () => number;
  /** Opens a part that was missing. */
  readonly open: () => Promise<BoardPart>;
  /** Closes what the part holds. */
  readonly release: () => Promise<void>;
  /** Called before the first row, and again before the first that is calibrated otherwise: the streams that the part has. */
  readonly declare: (streams: readonly SamplerStream[]) => void;
  /** Tries to free the part's bus. */
  readonly recover: (busKey: string) => Promise<boolean>;
  readonly emit: (rows: Rows) => void;
  readonly onRaw?: OnRaw;
  readonly correctionsOf?: CorrectionsOf;
  readonly log: (level: 'info' | 'warn', text: string) => void;
}

/** One part's life: opened, probed, configured, sampled on its schedule, and all of it again after a fault. */
export class PartLoop {
  #opened: BoardPart | undefined;
  #outlet: Outlet | undefined;
  #state: PartState = 'starting';
  #configured = false;
  #busy = false;
  /** The tick under way, or the last one. */
  #tick: Promise<void> = Promise.resolve();
  #loan: Loan | undefined;
  #stopped = false;
  #timer: Timer | undefined;
  /** When the tick that is awaited or under way was to begin; undefined while none is to come. */
  #dueNs: bigint | undefined;
  #stopStream: (() => Promise<void>) | undefined;
  readonly #schedule: Schedule;
  readonly #backoff: Backoff;
  readonly #call: OneCall;
  #failures = 0;
  #notReady = 0;
  /** The last failure was its bus's, or none at all: the next try comes with the schedule, not later each time. */
  #isBlameless = false;
  #lastError: Error | undefined;
  /** The log knows already that the bus stays stuck. */
  #saidStuck = false;

  constructor(private readonly options: PartLoopOptions) {
    const { config, clock, random, opened } = options;
    this.#schedule = new Schedule(config.intervalMs);
    this.#backoff = new Backoff(Math.max(RETRY_MIN_MS, config.intervalMs ?? 0), RETRY_MAX_MS, random);
    this.#call = new OneCall(clock, CALL_DEADLINE_MS);
    if (opened) this.#adopt(opened);
  }

  start(): void {
    this.#schedule.restart(this.options.clock.nowNs());
    this.#wakeIn(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#outlet) this.#outlet.isClosed = true;
    this.#timer?.cancel();
    this.#loan?.end();
    await this.#stopStream?.();
  }

  /** What `Sampler.lend` promises. The tick under way comes back first. */
  async lend<T>(forMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, config } = this.options;
    if (this.#loan) throw new HalError('busy', config.id, 'somebody looks at it already');
    const loan = new Loan(clock);
    this.#loan = loan;
    this.#timer?.cancel();
    this.#dueNs = undefined;
    await this.#tick;
    if (this.#stopped) throw new HalError('busy', config.id, 'the node stops');
    this.#state = 'lent';
    await this.#letGo();
    return loan.run(forMs, work, () => this.#resume());
  }

  #resume(): void {
    this.#loan = undefined;
    this.#state = 'starting';
    this.start();
  }

  /** Nothing of the part is used or heard any more. What can't be closed is said; the part that is opened next finds it held. */
  async #letGo(): Promise<void> {
    const { config, release, log } = this.options;
    const stop = this.#stopStream;
    this.#stopStream = undefined;
    this.#opened = undefined;
    this.#configured = false;
    try {
      await stop?.();
      await release();
    } catch (error) {
      log('warn', `${config.id}: not let go cleanly: ${(error as Error).message}`);
    }
  }

  /** Takes effect at the next tick, or at once where the new interval is the shorter one. */
  setInterval(intervalMs: number): void {
    const held = this.#schedule.intervalMs;
    if (held === undefined || held === intervalMs) return;
    this.#schedule.intervalMs = intervalMs;
    if (intervalMs < held && this.#state === 'ok') this.sampleNow();
  }

  /** Its periods are counted from now. */
  sampleNow(): void {
    if (this.#schedule.intervalMs === undefined || this.#busy || this.#loan) return;
    this.#schedule.restart(this.options.clock.nowNs());
    this.#wakeIn(0);
  }

  /** How late its tick is, ms, until it has come back; undefined while none is to come. */
  lateMs(nowNs: bigint): number | undefined {
    if (this.#dueNs === undefined) return undefined;
    return Math.max(0, Number(nowNs - this.#dueNs) / 1e6);
  }

  status(): PartStatus {
    return {
      id: this.options.config.id,
      where: this.#opened?.where ?? '-',
      state: this.#state,
      intervalMs: this.#schedule.intervalMs,
      samples: this.#outlet?.samples ?? 0,
      failures: this.#failures,
      missed: this.#schedule.missed,
      lastError: this.#lastError?.message,
      lastErrorKind: this.#lastError && halErrorKind(this.#lastError),
      lastGoodNs: this.#outlet?.lastGoodNs,
    };
  }

  #wakeIn(ms: number): void {
    this.#timer?.cancel();
    if (this.#stopped || this.#loan) return;
    this.#dueNs = this.options.clock.nowNs() + BigInt(Math.round(ms * 1e6));
    this.#timer = this.options.clock.after(ms, () => {
      if (!this.#busy) this.#tick = this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#stopped) return;
    this.#busy = true;
    try {
      const driver = await this.#ready();
      if (driver.sample) {
        for (const rows of await this.#bounded(() => driver.sample!())) this.#outlet?.take(rows);
      }
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
    const { driver } = this.#opened ?? (await this.#bounded(() => this.#open()));
    if (this.#configured) return driver;
    await this.#bounded(() => driver.probe());
    await this.#bounded(() => driver.configure());
    this.#configured = true;
    if (!this.#stopStream) await this.#bounded(() => this.#listen(driver));
    return driver;
  }

  /** What opens late, after it was given up, is adopted all the same: nobody else could close it. */
  async #open(): Promise<BoardPart> {
    const part = this.#adopt(await this.options.open());
    if (this.#state === 'lent') await this.#letGo();
    return part;
  }

  async #listen(driver: Driver): Promise<void> {
    const stop = await driver.stream?.(
      (rows) => this.#hear(rows),
      (error) => this.#streamFailed(error),
    );
    // One that began to speak after it was given up may have been lent meanwhile.
    if (this.#opened?.driver === driver) this.#stopStream = stop;
    else await stop?.();
  }

  #adopt(part: BoardPart): BoardPart {
    const { config, emit, onRaw } = this.options;
    this.#opened = part;
    if (this.#outlet) return part; // it was lent: its streams go on
    this.#outlet = new Outlet(config, part.driver.streams, emit, onRaw);
    this.recalibrate();
    return part;
  }

  /** Calibrations that don't fit the part as it is now leave its rows as they are: that is said, and no reading is lost for it. */
  recalibrate(): void {
    const { config, correctionsOf, declare, log } = this.options;
    if (!this.#outlet) return;
    try {
      this.#outlet.calibrate(correctionsOf?.(config.id) ?? []);
    } catch (error) {
      log('warn', `${config.id}: not calibrated: ${(error as Error).message}`);
      this.#outlet.calibrate([]);
    }
    declare(this.#outlet.streams);
  }

  /** Rows of a part that speaks by itself. */
  #hear(rows: Rows): void {
    if (this.#state === 'lent') return;
    this.#outlet?.take(rows);
    if (this.#state === 'failing' && !this.#stopped) this.#succeeded();
  }

  #succeeded(): void {
    if (this.#state === 'failing' || this.#state === 'missing') {
      this.options.log('info', `${this.options.config.id}: works again after ${this.#lastError?.message}`);
    }
    this.#state = 'ok';
    this.#notReady = 0;
    this.#saidStuck = false;
    this.#backoff.reset();
  }

  async #failed(error: Error): Promise<void> {
    const kind = halErrorKind(error);
    this.#isBlameless = kind === 'notReady' && this.#notReady++ < NOT_READY_MAX;
    if (this.#isBlameless) {
      this.#schedule.missed++;
      return;
    }
    this.#note(error);
    this.#outlet?.fault(this.options.clock.nowNs());
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
    if (free || !this.#saidStuck) {
      this.options.log('warn', `${busKey}: ${free ? 'freed after recovery' : 'still stuck after recovery'}`);
    }
    this.#saidStuck = !free;
    return free;
  }

  /** What a part that speaks by itself reports between its rows; it goes on listening. */
  #streamFailed(error: Error): void {
    if (this.#state === 'lent') return;
    if (this.#state !== 'failing') this.#outlet?.fault(this.options.clock.nowNs());
    this.#note(error);
  }

  #scheduleNext(): void {
    if (this.#stopped || this.#loan) return;
    const isPolled = this.#schedule.intervalMs !== undefined;
    const isRetrying = this.#state === 'failing' || this.#state === 'missing';
    const ms =
      isRetrying && !(this.#isBlameless && isPolled)
        ? this.#backoff.nextMs()
        : this.#schedule.nextMs(this.options.clock.nowNs());
    if (ms === undefined) this.#dueNs = undefined;
    else this.#wakeIn(ms);
  }

  #bounded<T>(call: () => Promise<T>): Promise<T> {
    return this.#call.run(this.#opened?.where ?? this.options.config.id, call);
  }
}
