import type { Service, ServiceClock } from '../../../fleet/services/index.js';
import { Services } from '../../../fleet/services/index.js';
import { SimClock } from '../../support/sim-clock.js';

/** The slowest; the others are out of step with it. */
export const CHECK_MS = 1_300;
const SLICE_MS = 250;
export const TTL_MS = 3_000;

/** A service that is up or not as the test says, and writes down what is asked of it. */
export class FakeService implements Service {
  readonly ttlMs = TTL_MS;
  isUp = true;
  /** How long an answer takes. */
  takesMs = 0;
  running = 0;
  mostRunning = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
    readonly needs: readonly string[],
    readonly checkEveryMs: number,
  ) {}

  start = () => this.#asked('start');
  reconnect = () => this.#asked('reconnect');
  stop = () => this.#asked('stop');
  check = async () => {
    await this.#asked('check');
    return 'works';
  };

  async #asked(what: string): Promise<void> {
    if (what !== 'check') this.world.journal.push(`${what} ${this.name}`);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      if (this.takesMs > 0) await this.world.sim.delay(this.takesMs);
      if (!this.isUp && what !== 'stop') throw new Error(`${this.name} is down`);
    } finally {
      this.running--;
    }
  }
}

/** The fleet's services: a database, what stands upon it, and a broker that doesn't. */
export class World {
  readonly sim = new SimClock();
  readonly journal: string[] = [];
  readonly said: string[] = [];
  /** Added to the wall clock. */
  jumpMs = 0;
  readonly clock: ServiceClock = {
    nowMs: () => Number(this.sim.nowNs()) / 1e6,
    wallMs: () => Number(this.sim.nowNs()) / 1e6 + this.jumpMs,
    after: (ms, callback) => this.sim.after(ms, callback),
  };
  readonly database = new FakeService(this, 'database', [], CHECK_MS);
  readonly broker = new FakeService(this, 'broker', [], 700);
  readonly store = new FakeService(this, 'store', ['database'], 1_000);
  readonly ingest = new FakeService(this, 'ingest', ['store', 'broker'], 900);
  readonly web = new FakeService(this, 'web', ['store'], 1_100);
  readonly all = [this.database, this.broker, this.store, this.ingest, this.web];
  readonly services = new Services(this.all, {
    clock: this.clock,
    say: (level, text) => this.said.push(`${level}: ${text}`),
  });

  /** `database: healthy`, and why where it isn't. */
  states(): Record<string, string> {
    return Object.fromEntries(
      this.services
        .health()
        .services.map(({ name, state, why }) => [
          name,
          state === 'healthy' ? state : `${state}: ${why ?? ''}`,
        ]),
    );
  }

  names(state: string): readonly string[] {
    return this.services
      .health()
      .services.filter((service) => service.state === state)
      .map(({ name }) => name);
  }

  /** In slices, with all promises settled after each. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= SLICE_MS) {
      await settled();
      await this.sim.advance(Math.min(left, SLICE_MS));
    }
    await settled();
  }

  async started(): Promise<this> {
    void this.services.run();
    await this.pass(SLICE_MS);
    this.journal.length = 0;
    return this;
  }
}

/** The chain from a check to the last one that is woken by it. */
async function settled(): Promise<void> {
  for (let i = 0; i < 80; i++) await Promise.resolve();
}
