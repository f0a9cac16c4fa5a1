import type { Registry } from './registry.js';
import type { Service, ServiceClock, Timer } from './types.js';

export type Say = (level: 'info' | 'warn' | 'error', text: string) => void;

/** What it waits for is said again so often. */
const SAY_AGAIN_MS = 30_000;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/** The life of one service, one thing after the other: wait for what it needs, start, check again and again, stop. */
export class Runner {
  readonly #service: Service;
  readonly #registry: Registry;
  readonly #clock: ServiceClock;
  readonly #say: Say;
  /** What was asked of the service and has not answered: nothing else is asked before. */
  #underWay: Promise<unknown> | undefined;
  #isStarted = false;
  #isBack = false;
  #mode: 'on' | 'maintenance' | 'stopped' = 'on';
  #wake: () => void = () => undefined;
  #retryMs = RETRY_MIN_MS;
  #had: ReadonlySet<string> = new Set();

  constructor(service: Service, registry: Registry, clock: ServiceClock, say: Say) {
    this.#service = service;
    this.#registry = registry;
    registry.add(service, () => this.#wake());
    this.#clock = clock;
    this.#say = say;
  }

  /** Resolves when it has been stopped. */
  async run(): Promise<void> {
    const forget = this.#registry.onChange((healthy) => this.#noteChange(healthy));
    while (this.#mode !== 'stopped') await this.#pause(await this.#step());
    forget();
  }

  /** Out of the registry, and not checked, until it is taken back; it works on meanwhile. */
  maintain(isOn: boolean): void {
    if (this.#mode === 'stopped') return;
    this.#mode = isOn ? 'maintenance' : 'on';
    if (isOn) this.#registry.leaves(this.#service.name, 'maintenance');
    else this.#registry.waits(this.#service.name, 'back from maintenance');
    this.#wake();
  }

  /** Out of the registry first, then what is under way, then the service; each within its limit. */
  async stop(): Promise<void> {
    const { name } = this.#service;
    this.#mode = 'stopped';
    this.#registry.leaves(name, 'stopped');
    this.#wake();
    if (this.#underWay) await this.#within(STOP_LIMIT_MS, this.#underWay);
    if (!this.#isStarted && !this.#underWay) return;
    const why = await this.#within(STOP_LIMIT_MS, this.#service.stop());
    if (why !== undefined) this.#say('error', `${name} didn't stop: ${why}`);
  }

  /** Does what is next; how long to pause then. */
  async #step(): Promise<number> {
    const { name, checkEveryMs } = this.#service;
    if (this.#mode === 'maintenance') return SAY_AGAIN_MS;
    const missing = this.#registry.missing(name);
    if (!this.#isStarted) return missing.length > 0 ? this.#waitFor(missing) : this.#start();
    if (missing.length > 0) this.#registry.failed(name, `needs ${missing.join(', ')}`);
    else await this.#check();
    return checkEveryMs;
  }

  #waitFor(missing: readonly string[]): number {
    const why = `waits for ${missing.join(', ')}`;
    this.#registry.waits(this.#service.name, why);
    this.#say('info', `${this.#service.name} ${why}`);
    return SAY_AGAIN_MS;
  }

  async #start(): Promise<number> {
    const { name, checkEveryMs } = this.#service;
    this.#isBack = false;
    const why = await this.#ask(START_LIMIT_MS, async () => {
      await this.#service.start();
      // Also where it comes after its limit: it is not started twice.
      this.#isStarted = true;
    });
    if (why === undefined) {
      await this.#check();
      return checkEveryMs;
    }
    if (this.#mode === 'on') this.#registry.failed(name, `didn't start: ${why}`);
    this.#say('warn', `${name} didn't start: ${why}; it is tried again in ${this.#retryMs / 1000} s`);
    const retryMs = this.#retryMs;
    this.#retryMs = Math.min(RETRY_MAX_MS, 2 * retryMs);
    return retryMs;
  }

  async #check(): Promise<void> {
    const { name, checkEveryMs } = this.#service;
    let detail: string | undefined;
    const why = await this.#ask(checkEveryMs, async () => {
      if (this.#isBack) {
        this.#isBack = false;
        await this.#reconnect();
      }
      detail = await this.#service.check();
    });
    if (this.#mode !== 'on') return;
    if (why === undefined) this.#registry.heartbeat(name, detail);
    else this.#registry.failed(name, why);
  }

  /** Where it rejects it is due again. */
  async #reconnect(): Promise<void> {
    try {
      await this.#service.reconnect?.();
    } catch (error) {
      this.#isBack = true;
      throw error;
    }
  }

  /** Undefined where it did; else why it didn't. What takes longer than its limit counts as failed, and is left to end. */
  async #ask(limitMs: number, work: () => Promise<void>): Promise<string | undefined> {
    if (!this.#underWay) {
      const underWay: Promise<void> = work().finally(() => {
        if (this.#underWay === underWay) this.#underWay = undefined;
      });
      this.#underWay = underWay;
    }
    return this.#within(limitMs, this.#underWay);
  }

  async #within(limitMs: number, work: Promise<unknown>): Promise<string | undefined> {
    let timer: Timer | undefined;
    const late = new Promise<string>((resolve) => {
      timer = this.#clock.after(limitMs, () => resolve(`no answer in ${limitMs / 1000} s`));
    });
    const done = work.then(
      () => undefined,
      (error) => (error instanceof Error ? error.message : String(error)),
    );
    return Promise.race([done, late]).finally(() => timer?.cancel());
  }

  #noteChange(healthy: ReadonlySet<string>): void {
    this.#isBack ||= this.#service.needs.some((need) => healthy.has(need) && !this.#had.has(need));
    this.#had = healthy;
  }

  /** Until then, or until something happens. */
  #pause(ms: number): Promise<void> {
    if (this.#mode === 'stopped') return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
