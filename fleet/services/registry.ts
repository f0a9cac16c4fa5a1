import type { Registration, ServiceClock, ServiceHealth, ServiceState, Timer } from './types.js';

interface Entry extends Registration {
  state: ServiceState;
  sinceMs: number;
  why: string | undefined;
  detail: string | undefined;
  /** Of `nowMs`; the last check passed if it is there and `isPassing`. */
  passedMs: number | undefined;
  isPassing: boolean;
  expiresMs: number;
  timer: Timer | undefined;
  readonly needIsBack: () => void;
}

export type Listener = (healthy: ReadonlySet<string>) => void;

/**
 * Who is healthy, by heartbeat and TTL: a pass is a heartbeat, a failed check sends nothing and is kept as the reason, and an entry turns unhealthy its TTL after
 * its last pass. In process; the clock is injected.
 */
export class Registry {
  readonly #clock: ServiceClock;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<Listener>();

  constructor(clock: ServiceClock) {
    this.#clock = clock;
  }

  /**
   * Throws where it is there already, or needs what isn't: so no circle comes about. `needIsBack` is called when something that it needs passes after it
   * hadn't: the time for its own check.
   */
  add({ name, needs, ttlMs }: Registration, needIsBack: () => void): void {
    if (this.#entries.has(name)) throw new Error(`two services are called ${name}`);
    for (const need of needs)
      if (!this.#entries.has(need)) throw new Error(`${name} needs ${need}, which is not listed before it`);
    this.#entries.set(name, {
      ...{ name, needs, ttlMs, state: 'waiting', sinceMs: this.#clock.wallMs(), why: 'starts' },
      ...{
        detail: undefined,
        passedMs: undefined,
        isPassing: false,
        expiresMs: 0,
        timer: undefined,
        needIsBack,
      },
    });
  }

  /** A pass; none where something that it needs doesn't pass. */
  heartbeat(name: string, detail?: string): void {
    const missing = this.missing(name);
    if (missing.length > 0) {
      this.failed(name, `needs ${missing.join(', ')}`);
      return;
    }
    const entry = this.#entry(name);
    const isBack = !entry.isPassing;
    const passedMs = this.#clock.nowMs();
    Object.assign(entry, { detail, why: undefined, isPassing: true, passedMs });
    this.#expireAt(entry, passedMs + entry.ttlMs);
    this.#become(entry, 'healthy');
    if (!isBack) return;
    for (const other of this.#entries.values()) if (other.needs.includes(name)) other.needIsBack();
  }

  /** No pass; with none before it, it is unhealthy at once. Whatever stood upon it since its last one stood upon nothing: its time runs from there. */
  failed(name: string, why: string): void {
    const entry = this.#entry(name);
    entry.why = why;
    this.#fade(entry);
    if (entry.state === 'waiting') this.#become(entry, 'unhealthy');
  }

  /** It hasn't started, and why. */
  waits(name: string, why: string): void {
    const entry = this.#entry(name);
    entry.why = why;
    this.#become(entry, 'waiting');
  }

  /** It is out at once, whatever its TTL. */
  leaves(name: string, state: 'maintenance' | 'stopped', why?: string): void {
    const entry = this.#entry(name);
    entry.timer?.cancel();
    entry.why = why;
    this.#fade(entry);
    this.#become(entry, state);
  }

  /** Those of its needs whose last check didn't pass: what stands upon them is no pass either. */
  missing(name: string): readonly string[] {
    return this.#entry(name).needs.filter((need) => !this.#entry(need).isPassing);
  }

  /** In the order in which they were added. */
  services(): readonly ServiceHealth[] {
    return [...this.#entries.values()].map(({ name, state, sinceMs, why, detail }) => ({
      ...{ name, state, sinceMs },
      ...(why !== undefined && { why }),
      ...(state === 'healthy' && detail !== undefined && { detail }),
    }));
  }

  /** Called with the set of the healthy ones: at once, and when it has changed. Returns how to end it. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.#healthy());
    return () => this.#listeners.delete(listener);
  }

  #fade(entry: Entry): void {
    entry.isPassing = false;
    if (entry.passedMs === undefined) return;
    for (const other of this.#above(entry)) {
      const expiresMs = entry.passedMs + other.ttlMs;
      if (other.state === 'healthy' && expiresMs < other.expiresMs) this.#expireAt(other, expiresMs);
    }
  }

  /** All that need it, also by way of others. */
  #above(entry: Entry): readonly Entry[] {
    const names = new Set([entry.name]);
    // Each stands after what it needs.
    return [...this.#entries.values()].filter((other) => {
      const isAbove = other.needs.some((need) => names.has(need));
      if (isAbove) names.add(other.name);
      return isAbove;
    });
  }

  #expireAt(entry: Entry, expiresMs: number): void {
    entry.timer?.cancel();
    entry.expiresMs = expiresMs;
    entry.timer = this.#clock.after(Math.max(0, expiresMs - this.#clock.nowMs()), () => {
      entry.isPassing = false;
      entry.why ??= `no heartbeat for ${entry.ttlMs / 1000} s`;
      this.#become(entry, 'unhealthy');
    });
  }

  #become(entry: Entry, state: ServiceState): void {
    if (entry.state === state) return;
    const isChange = entry.state === 'healthy' || state === 'healthy';
    entry.state = state;
    entry.sinceMs = this.#clock.wallMs();
    if (!isChange) return;
    const healthy = this.#healthy();
    for (const listener of this.#listeners) listener(healthy);
  }

  #healthy(): ReadonlySet<string> {
    return new Set(
      [...this.#entries.values()].filter(({ state }) => state === 'healthy').map(({ name }) => name),
    );
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (!entry) throw new Error(`no service is called ${name}`);
    return entry;
  }
}
