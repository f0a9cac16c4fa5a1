import { Registry } from './registry.js';
import { Runner, type Say } from './runner.js';
import type { Service, ServiceClock, ServiceHealth } from './types.js';

/** All services of a process, what each needs before it in the list. */
export class Services {
  readonly registry: Registry;
  readonly #runners = new Map<string, Runner>();

  /** Throws where a service needs what isn't before it in the list, or is checked too seldom for its TTL. */
  constructor(
    services: readonly Service[],
    { clock, say }: { readonly clock: ServiceClock; readonly say: Say },
  ) {
    this.registry = new Registry(clock);
    for (const service of services) {
      const { name, ttlMs, checkEveryMs } = service;
      if (ttlMs < 2 * checkEveryMs)
        throw new Error(`${name}: a TTL of ${ttlMs} ms has no room for checks each ${checkEveryMs} ms`);
      this.#runners.set(name, new Runner(service, this.registry, clock, say));
    }
  }

  /** Each starts when what it needs is healthy. Resolves when all have been stopped. */
  async run(): Promise<void> {
    await Promise.all([...this.#runners.values()].map((runner) => runner.run()));
  }

  /** Those that need others first, one after the other. */
  async stop(): Promise<void> {
    for (const runner of [...this.#runners.values()].reverse()) await runner.stop();
  }

  /** Of one service, or of all: out of the registry until it is taken back. */
  maintain(isOn: boolean, name?: string): void {
    const runners = name === undefined ? [...this.#runners.values()] : [this.#runners.get(name)];
    for (const runner of runners) {
      if (!runner) throw new Error(`no service is called ${name}`);
      runner.maintain(isOn);
    }
  }

  health(): { readonly services: readonly ServiceHealth[] } {
    return { services: this.registry.services() };
  }
}
